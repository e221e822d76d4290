#include <utility>

#include "conf/draft.h"
#include "conf/redis_url.h"
#include "conf/words.h"

// [redis] and [cluster]
namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kUrlType = "url such as redis://10.0.0.9:6379/0";

/// Unlike other keys it never shows what was found: there may be a password in it.
Key<Redis> url_key() {
  Key<Redis> key{.name = "url", .type = std::string(kUrlType)};
  key.read = [](Redis& into, const TomlNode& node, Diagnostics& diagnostics) {
    auto parsed = node.is(TomlNode::Kind::Text)
                      ? parse_redis_url(node.text, into)
                      : base::Result<void>(base::Error{base::ErrorCode::Invalid, "it is not a text"});
    if (parsed) return;
    diagnostics.add(
        node, diagnostics.full_name("url") + ": expected a " + std::string(kUrlType) + "; " + parsed.error().text);
  };
  key.text = [](const Redis& redis) {
    const std::string text = redis_url_text(redis);
    return text.empty() ? text : toml_string(text);
  };
  return key;
}

/// Checks what was written, not what of it was good: one error must not look like three.
bool has_sentinels(const TomlNode& table) {
  const TomlNode* sentinels = table.find("sentinels");
  return sentinels != nullptr && !(sentinels->is(TomlNode::Kind::Array) && sentinels->items.empty());
}

void check_redis(Redis& redis, const TomlNode& table, Diagnostics& diagnostics) {
  redis.is_present = true;
  const TomlNode* url = table.find("url");
  const bool is_host_given = !redis.address.host.empty() || !redis.socket_path.empty();
  if (has_sentinels(table)) {
    if (is_host_given) {
      diagnostics.add(
          *url, "redis.url: the sentinels know the address of Redis; leave out the host, as in redis://:password@/0");
    }
    if (table.find("master") == nullptr) add_missing(diagnostics, table, "master", "name");
    return;
  }
  for (const TomlEntry& entry : table.entries) {
    if (entry.key == "master") add_meaningless(diagnostics, entry, "sentinels");
  }
  if (url == nullptr) {
    add_missing(diagnostics, table, "url", kUrlType);
  } else if (!is_host_given && diagnostics.is_sound(*url)) {
    diagnostics.add(*url, "redis.url: the host is missing, and there are no sentinels");
  }
}

}  // namespace

const Table<Redis>& redis_table() {
  static const Table<Redis> table = [] {
    Table<Redis> t;
    t.keys.push_back(url_key());
    t.texts<Redis, Endpoint>(
        "sentinels", "host:port", &Redis::sentinels, [](std::string_view text) { return parse_endpoint(text, 1); },
        [](const Endpoint& endpoint) { return endpoint.text(); });
    t.text("master", "name", &Redis::master, parse_name);
    t.duration("timeout", &Redis::timeout, 1ms, 10s);
    t.text("prefix", "name", &Redis::prefix, parse_name);
    t.check = check_redis;
    return t;
  }();
  return table;
}

const Table<Cluster>& cluster_table() {
  static const Table<Cluster> table = [] {
    Table<Cluster> t;
    t.text("node", "name", &Cluster::node, parse_name);
    t.means_something_empty = true;
    t.check = [](Cluster& cluster, const TomlNode&, Diagnostics&) { cluster.is_present = true; };
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
