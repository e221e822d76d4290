#include "conf/reader.h"

#include <utility>

#include "conf/draft.h"

namespace holdfast::conf {

const Table<FileDraft>& file_table() {
  static const Table<FileDraft> table = [] {
    Table<FileDraft> t;
    t.table("server", &FileDraft::server, server_table());
    t.list("listen", &FileDraft::listens, listen_table());
    t.table("admin", &FileDraft::admin, admin_table());
    t.table("sessions", &FileDraft::sessions, sessions_table());
    // What the dump leaves out when it is not there; reading a table is what makes it be there.
    t.table("redis", &FileDraft::redis, redis_table())
        .only([](const FileDraft& file) { return file.redis.is_present; }, "redis", "");
    t.table("cluster", &FileDraft::cluster, cluster_table())
        .only([](const FileDraft& file) { return file.cluster.is_present; }, "cluster", "");
    t.table("timeouts", &FileDraft::timeouts, timeouts_table());
    t.table("limits", &FileDraft::limits, limits_table());
    t.named("pools", &FileDraft::pools, pool_table());
    t.list("routes", &FileDraft::routes, route_table());
    return t;
  }();
  return table;
}

std::variant<Settings, std::vector<Diagnostic>> read_settings(std::string_view toml) {
  const auto parsed = parse_toml(toml);
  if (const auto* diagnostic = std::get_if<Diagnostic>(&parsed)) return std::vector<Diagnostic>{*diagnostic};
  const TomlNode& root = *std::get_if<TomlNode>(&parsed);
  Diagnostics diagnostics;
  FileDraft draft;
  read_table(file_table(), draft, root, diagnostics);
  Settings settings = assembled(draft, root, diagnostics);
  if (!diagnostics.none()) return diagnostics.sorted();
  return settings;
}

std::string dump_settings(const Settings& settings) {
  std::string out;
  dump_table(file_table(), draft_of(settings), "", "", out);
  return out;
}

std::vector<KnownKey> key_list() {
  static const std::vector<KnownKey> list = [] {
    std::vector<KnownKey> keys;
    list_keys(file_table(), "", keys);
    return keys;
  }();
  return list;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> paths;
  for (const KnownKey& key : key_list()) {
    if (!key.later) paths.push_back(key.path);
  }
  return paths;
}

}  // namespace holdfast::conf
