#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "conf/draft.h"
#include "conf/names.h"
#include "conf/preset.h"

namespace holdfast::conf {

namespace {

std::string place_text(const TomlNode& node) { return fmt::format("line {}", node.place.line); }

void take_listens(const FileDraft& draft, Settings& settings, Diagnostics& diagnostics) {
  std::map<std::string, const TomlNode*> seen;
  for (const ListenDraft& listen : draft.listens) {
    settings.listens.push_back(listen);
    const TomlNode* address = listen.at->find("address");
    if (address == nullptr || !diagnostics.is_sound(*address) || listen.address.port == 0) continue;
    const auto [first, is_new] = seen.emplace(listen.address.text(), address);
    if (is_new) continue;
    diagnostics.add(*address, fmt::format("listen.address: {} is already in use, at {}", described(*address),
                                          place_text(*first->second)));
  }
}

void check_admin_address(const FileDraft& draft, const TomlNode& root, Diagnostics& diagnostics) {
  if (!draft.admin.enabled || draft.admin.address.port == 0) return;
  for (const ListenDraft& listen : draft.listens) {
    if (listen.address != draft.admin.address) continue;
    const TomlNode* admin = root.find("admin");
    const TomlNode* address = admin != nullptr ? admin->find("address") : nullptr;
    if (address == nullptr) address = listen.at->find("address");
    diagnostics.add(*address, fmt::format("admin.address and listen.address are both {}, expected two addresses",
                                          toml_string(listen.address.text())));
  }
}

/// What needs Redis, without it.
void check_redis_is_there(const TomlNode& root, Diagnostics& diagnostics) {
  if (root.find("redis") != nullptr) return;
  const TomlNode* sessions = root.find("sessions");
  const TomlNode* store = sessions != nullptr ? sessions->find("store") : nullptr;
  if (store != nullptr && store->is(TomlNode::Kind::Text) && store->text == name_of(SessionStore::Redis)) {
    diagnostics.add(*store, "sessions.store: \"redis\" needs a [redis] table with the address of Redis");
  }
  if (const TomlNode* cluster = root.find("cluster")) {
    diagnostics.add(*cluster, "cluster: the proxies find each other in Redis, which needs a [redis] table");
  }
}

/// In memory the longest idle session makes room for a new one: limits beyond that would never hold.
void check_max_sessions(const FileDraft& draft, Diagnostics& diagnostics) {
  const std::uint64_t kept = draft.sessions.sessions_max;
  if (draft.sessions.store != SessionStore::Memory) return;
  std::uint64_t sum = 0;
  for (const PoolDraft& pool : draft.pools) {
    sum += pool.max_sessions;
    if (pool.max_sessions == 0 || sum < kept) continue;
    const TomlNode* const most = pool.at->find("max_sessions");
    diagnostics.add(most != nullptr ? *most : *pool.at,
                    fmt::format("pools.{}.max_sessions: {} for all pools together has no effect, expected less than "
                                "`sessions.sessions_max` ({})",
                                pool.name, sum, kept));
  }
}

void take_pools(const FileDraft& draft, Settings& settings) {
  for (const PoolDraft& from : draft.pools) {
    Pool pool = static_cast<const Pool&>(from);
    pool.id = PoolId{static_cast<std::uint32_t>(settings.pools.size())};
    pool.first_backend = BackendId{static_cast<std::uint32_t>(settings.backends.size())};
    pool.backend_count = static_cast<std::uint32_t>(from.backends.size());
    settings.pools.push_back(std::move(pool));
    for (const BackendDraft& backend_from : from.backends) {
      Backend backend = static_cast<const Backend&>(backend_from);
      backend.id = BackendId{static_cast<std::uint32_t>(settings.backends.size())};
      backend.pool = settings.pools.back().id;
      settings.backends.push_back(std::move(backend));
    }
  }
}

using PoolsByName = std::map<std::string_view, PoolId>;

void find_pool(const RouteDraft& from, Route& route, const PoolsByName& pools, Diagnostics& diagnostics) {
  const TomlNode* name = from.at->find("pool");
  if (name == nullptr || !diagnostics.is_sound(*name)) return;
  if (const auto found = pools.find(from.pool_name); found != pools.end()) {
    route.pool = found->second;
    return;
  }
  std::vector<std::string_view> names;
  for (const auto& [known, id] : pools) names.push_back(known);
  const auto near = nearest(from.pool_name, names);
  diagnostics.add(*name, fmt::format("routes.pool: no pool is called {}{}", described(*name),
                                     near ? fmt::format("; did you mean {}?", toml_string(*near)) : ""));
}

void take_routes(const FileDraft& draft, Settings& settings, Diagnostics& diagnostics) {
  PoolsByName pools;
  for (const Pool& pool : settings.pools) pools.emplace(pool.name, pool.id);
  std::map<std::pair<std::string, std::string>, const TomlNode*> seen;
  for (const RouteDraft& from : draft.routes) {
    Route& route = settings.routes.emplace_back(from);
    find_pool(from, route, pools, diagnostics);
    const bool is_sound = std::all_of(from.at->entries.begin(), from.at->entries.end(),
                                      [&](const TomlEntry& entry) { return diagnostics.is_sound(entry.value); });
    if (!is_sound) continue;
    const auto [first, is_new] = seen.emplace(std::pair(route.host, route.path), from.at);
    if (is_new) continue;
    diagnostics.add(*from.at, fmt::format("routes: {}{} has a route already, at {}",
                                          route.host.empty() ? "any host with path " : route.host, route.path,
                                          place_text(*first->second)));
  }
}

/// One pool and no route: everything goes there. Several pools and no route: nobody knows.
void take_default_route(const FileDraft& draft, const TomlNode& root, Settings& settings, Diagnostics& diagnostics) {
  if (root.find("routes") != nullptr && !(draft.routes.empty() && root.find("routes")->items.empty())) return;
  if (settings.pools.size() == 1) {
    settings.routes.emplace_back().pool = settings.pools.front().id;
  } else if (settings.pools.size() > 1) {
    diagnostics.add(*draft.pools[1].at, "there are several pools, expected [[routes]] that assign requests to them");
  }
}

}  // namespace

Settings assembled(const FileDraft& draft, const TomlNode& root, Diagnostics& diagnostics) {
  Settings settings;
  settings.server = draft.server;
  settings.admin = draft.admin;
  settings.sessions = draft.sessions;
  settings.redis = draft.redis;
  settings.cluster = draft.cluster;
  settings.timeouts = draft.timeouts;
  settings.limits = draft.limits;
  take_listens(draft, settings, diagnostics);
  check_admin_address(draft, root, diagnostics);
  check_redis_is_there(root, diagnostics);
  check_max_sessions(draft, diagnostics);
  take_pools(draft, settings);
  take_routes(draft, settings, diagnostics);
  take_default_route(draft, root, settings, diagnostics);
  if (diagnostics.none()) add_preset_routes(settings);
  const auto is_empty = [&](const TomlNode* node) {
    return node == nullptr || (node->items.empty() && node->entries.empty() && diagnostics.is_sound(*node));
  };
  if (is_empty(root.find("listen"))) {
    diagnostics.add(Place{}, "no [[listen]], expected at least one with an `address` such as \"0.0.0.0:8080\"");
  }
  if (is_empty(root.find("pools"))) {
    diagnostics.add(Place{}, "no [pools.NAME], expected at least one with `backends`");
  }
  return settings;
}

FileDraft draft_of(const Settings& settings) {
  FileDraft draft;
  draft.server = settings.server;
  draft.admin = settings.admin;
  draft.sessions = settings.sessions;
  draft.redis = settings.redis;
  draft.cluster = settings.cluster;
  draft.timeouts = settings.timeouts;
  draft.limits = settings.limits;
  for (const Listen& listen : settings.listens) draft.listens.push_back({listen, nullptr});
  for (const Pool& pool : settings.pools) {
    PoolDraft& to = draft.pools.emplace_back(PoolDraft{pool, {}, nullptr});
    for (const Backend& backend : settings.backends_of(pool)) to.backends.push_back({backend, nullptr});
  }
  for (const Route& route : settings.routes) {
    RouteDraft& to = draft.routes.emplace_back(RouteDraft{route, {}, route.action == RouteAction::Deny, nullptr});
    if (route.action == RouteAction::Forward) to.pool_name = settings.pool(route.pool).name;
  }
  return draft;
}

}  // namespace holdfast::conf
