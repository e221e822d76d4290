#pragma once

#include <string>
#include <variant>
#include <vector>

#include "conf/key_table.h"
#include "conf/settings.h"

namespace holdfast::conf {

/// A file as its tables were read, one by one: names are not yet looked up, nothing is numbered. `at` is the table's
/// place in the tree that was read; null in a draft made from Settings.
struct ListenDraft : Listen {
  const TomlNode* at = nullptr;
};
struct BackendDraft : Backend {
  const TomlNode* at = nullptr;
};
struct PoolDraft : Pool {
  std::vector<BackendDraft> backends;
  const TomlNode* at = nullptr;
};
struct RouteDraft : Route {
  std::string pool_name;  ///< Empty: the route denies or redirects.
  bool deny = false;
  const TomlNode* at = nullptr;
};
struct FileDraft {
  Server server;
  std::vector<ListenDraft> listens;
  Admin admin;
  Sessions sessions;
  Redis redis;
  Cluster cluster;
  Timeouts timeouts;
  Limits limits;
  std::vector<PoolDraft> pools;
  std::vector<RouteDraft> routes;
};

/// The keys of every table, made once.
const Table<FileDraft>& file_table();
const Table<Server>& server_table();
const Table<ListenDraft>& listen_table();
const Table<Admin>& admin_table();
const Table<Sessions>& sessions_table();
const Table<Redis>& redis_table();
const Table<Cluster>& cluster_table();
const Table<Timeouts>& timeouts_table();
const Table<Limits>& limits_table();
const Table<PoolDraft>& pool_table();
const Table<BackendDraft>& backend_table();
const Table<Sticky>& sticky_table();
const Table<Probe>& probe_table();
const Table<RouteDraft>& route_table();

/// Looks up names, numbers pools and backends, and checks what concerns several tables. The Settings are only good if
/// no error was added. `root` is the tree the draft was read from.
Settings assembled(const FileDraft& draft, const TomlNode& root, Diagnostics& diagnostics);
/// The draft that assembles into `settings`.
FileDraft draft_of(const Settings& settings);

}  // namespace holdfast::conf
