#include "conf/reload.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <variant>

#include "conf/reader.h"
#include "conf/toml_tree.h"

namespace holdfast::conf {

namespace {

/// A key's value, or in one line all of a pool, a backend, a listener or a route.
struct Written {
  std::string text;
  std::string within;  // the innermost of those that it belongs to; empty: none
};

/// Settings as they would be written: each key, and the things among them that have a name.
struct Flat {
  std::map<std::string, Written> keys;
  std::map<std::string, Written> things;
};

// Of a table in a list: what people know it by.
std::string label_of(const TomlNode& item, std::size_t number) {
  const auto text = [&](std::string_view key) {
    const TomlNode* found = item.find(key);
    return found != nullptr ? found->text : std::string{};
  };
  if (std::string name = text("name"); !name.empty()) return name;
  const bool is_route = item.find("path") != nullptr || item.find("pool") != nullptr;
  if (is_route) return "\"" + text("host") + text("path") + "\"";
  if (const std::string address = text("address"); !address.empty()) return "\"" + address + "\"";
  return std::to_string(number + 1);
}

std::string value_text(const TomlNode& node);

std::string list_text(const TomlNode& node) {
  std::string out = "[";
  for (const TomlNode& item : node.items) out.append(out.size() > 1 ? ", " : "").append(value_text(item));
  return out + "]";
}

std::string table_text(const TomlNode& node) {
  std::string out = "{";
  for (const TomlEntry& entry : node.entries) {
    out.append(out.size() > 1 ? ", " : " ").append(entry.key).append(" = ").append(value_text(entry.value));
  }
  return out + " }";
}

std::string value_text(const TomlNode& node) {
  switch (node.kind) {
    case TomlNode::Kind::Integer:
      return std::to_string(node.integer);
    case TomlNode::Kind::Boolean:
      return node.boolean ? "true" : "false";
    case TomlNode::Kind::Array:
      return list_text(node);
    case TomlNode::Kind::Table:
      return table_text(node);
    case TomlNode::Kind::Text:
    case TomlNode::Kind::Float:
    case TomlNode::Kind::Date:
      break;
  }
  return "\"" + node.text + "\"";
}

bool is_list_of_tables(const TomlNode& node) {
  return node.is(TomlNode::Kind::Array) && !node.items.empty() && node.items.front().is(TomlNode::Kind::Table);
}

void flatten(const TomlNode& node, const std::string& path, const std::string& within, Flat& out) {
  for (const TomlEntry& entry : node.entries) {
    const std::string key = path.empty() ? entry.key : path + "." + entry.key;
    if (entry.value.is(TomlNode::Kind::Table)) {
      const bool is_pool = path == "pools";
      if (is_pool) out.things.emplace(key, Written{table_text(entry.value), within});
      flatten(entry.value, key, is_pool ? key : within, out);
    } else if (is_list_of_tables(entry.value)) {
      for (std::size_t i = 0; i < entry.value.items.size(); ++i) {
        const std::string name = key + "." + label_of(entry.value.items[i], i);
        out.things.emplace(name, Written{table_text(entry.value.items[i]), within});
        flatten(entry.value.items[i], name, name, out);
      }
    } else {
      out.keys.emplace(key, Written{value_text(entry.value), within});
    }
  }
}

Flat flat(const Settings& settings) {
  Flat out;
  const auto parsed = parse_toml(dump_settings(settings));
  if (const TomlNode* root = std::get_if<TomlNode>(&parsed)) flatten(*root, "", "", out);
  return out;
}

/// What of `flat` the other one has not, things as a whole, without what is said by a thing that holds it.
template <class Emit>
void each_missing(const Flat& flat, const Flat& other, Emit emit) {
  const auto is_told = [&](const Written& what) { return !what.within.empty() && !other.things.contains(what.within); };
  for (const auto& [name, thing] : flat.things) {
    if (!other.things.contains(name) && !is_told(thing)) emit(name, thing.text);
  }
  for (const auto& [key, value] : flat.keys) {
    if (!other.keys.contains(key) && !is_told(value)) emit(key, value.text);
  }
}

// Read at the start only: each of these has threads, files, sockets or other proxies that rely on it.
KeyChange::Effect effect_of(std::string_view key) {
  if (key == "server.shutdown_deadline" || key == "server.upgrade_deadline") return KeyChange::Effect::AtOnce;
  for (const std::string_view table : {"server.", "admin.", "sessions.", "redis.", "cluster."}) {
    if (key.starts_with(table)) return KeyChange::Effect::AfterRestart;
  }
  return KeyChange::Effect::AtOnce;
}

}  // namespace

Numbering::Numbering(const Settings& first) {
  for (const Pool& pool : first.pools) pools_.emplace(pool.name, pool.id);
  for (const Backend& backend : first.backends) backends_.emplace(std::pair(backend.pool, backend.name), backend.id);
}

void Numbering::apply(Settings& fresh) {
  for (Pool& pool : fresh.pools) {
    pool.id = pools_.emplace(pool.name, PoolId{static_cast<std::uint32_t>(pools_.size())}).first->second;
  }
  for (Backend& backend : fresh.backends) {
    backend.pool = fresh.pools[index(backend.pool)].id;
    const BackendId next{static_cast<std::uint32_t>(backends_.size())};
    backend.id = backends_.emplace(std::pair(backend.pool, backend.name), next).first->second;
  }
  for (Route& route : fresh.routes) {
    if (route.action == RouteAction::Forward) route.pool = fresh.pools[index(route.pool)].id;
  }
  for (Pool& pool : fresh.pools) {
    if (pool.backend_count > 0) pool.first_backend = fresh.backends[index(pool.first_backend)].id;
  }
  fresh.pool_at.assign(pools_.size(), kNowhere);
  fresh.backend_at.assign(backends_.size(), kNowhere);
  for (std::uint32_t i = 0; i < fresh.pools.size(); ++i) fresh.pool_at[index(fresh.pools[i].id)] = i;
  for (std::uint32_t i = 0; i < fresh.backends.size(); ++i) fresh.backend_at[index(fresh.backends[i].id)] = i;
}

std::vector<KeyChange> changes(const Settings& running, const Settings& fresh) {
  const Flat before = flat(running);
  const Flat after = flat(fresh);
  std::vector<KeyChange> out;
  for (const auto& [key, value] : before.keys) {
    const auto found = after.keys.find(key);
    if (found == after.keys.end() || found->second.text == value.text) continue;
    out.push_back({key, value.text, found->second.text, effect_of(key)});
  }
  each_missing(before, after, [&](const std::string& key, const std::string& was) {
    out.push_back({key, was, "", effect_of(key)});
  });
  each_missing(after, before, [&](const std::string& key, const std::string& now) {
    out.push_back({key, "", now, effect_of(key)});
  });
  // Secrets are not shown, so they look alike.
  const auto is_told = [&out](std::string_view table) {
    return std::any_of(out.begin(), out.end(), [&](const KeyChange& c) { return c.key.starts_with(table); });
  };
  if (running.admin != fresh.admin && !is_told("admin.")) {
    out.push_back({"admin.users", "[redacted]", "[redacted]", KeyChange::Effect::AfterRestart});
  }
  if (running.redis != fresh.redis && !is_told("redis.")) {
    out.push_back({"redis.url", "[redacted]", "[redacted]", KeyChange::Effect::AfterRestart});
  }
  std::sort(out.begin(), out.end(), [](const KeyChange& a, const KeyChange& b) { return a.key < b.key; });
  return out;
}

void keep_for_restart(Settings& fresh, const Settings& running) {
  const Duration shutdown = fresh.server.shutdown_deadline;
  const Duration upgrade = fresh.server.upgrade_deadline;
  fresh.server = running.server;
  fresh.server.shutdown_deadline = shutdown;
  fresh.server.upgrade_deadline = upgrade;
  fresh.admin = running.admin;
  fresh.sessions = running.sessions;
  fresh.redis = running.redis;
  fresh.cluster = running.cluster;
}

}  // namespace holdfast::conf
