#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "conf/settings.h"
#include "net/address.h"
#include "proxy/route.h"
#include "sessions/keyring.h"
#include "sessions/session_slots.h"

namespace holdfast::proxy {

/// The settings and all that is derived from them once: what an exchange pins, so that a reload never changes a request
/// under way. Immutable.
struct Snapshot {
  /// `addresses` by BackendId, `pages` (maintenance) by PoolId; an empty one is ours.
  Snapshot(std::shared_ptr<const conf::Settings> s, std::vector<net::Address> resolved,
           const sessions::Keyring& keyring, std::vector<std::string> pages = {})
      : settings(std::move(s)), addresses(std::move(resolved)), routes(*settings), maintenance_pages(std::move(pages)) {
    maintenance_pages.resize(settings->pool_ids());
    tags.resize(settings->backend_ids());
    limits.resize(settings->pool_ids());
    for (const conf::Backend& backend : settings->backends) {
      sessions::BackendTag& tag = tags[conf::index(backend.id)];
      tag = keyring.backend_tag(settings->pool(backend.pool).name, backend.name);
      by_tag.emplace(tag, backend.id);
    }
    ticket_names.resize(settings->pool_ids());
    for (const conf::Pool& pool : settings->pools) {
      limits[conf::index(pool.id)] = limits_of(pool);
      ticket_names[conf::index(pool.id)] = ticket_name_of(pool);
    }
  }

  sessions::BackendTag tag_of(conf::BackendId id) const { return tags[conf::index(id)]; }
  /// nullopt when the pool has no such backend (any more).
  std::optional<conf::BackendId> backend_of(const conf::Pool& pool, sessions::BackendTag tag) const {
    const auto found = by_tag.find(tag);
    if (found == by_tag.end() || settings->backend(found->second).pool != pool.id) return std::nullopt;
    return found->second;
  }

  std::shared_ptr<const conf::Settings> settings;
  std::vector<net::Address> addresses;
  RouteTable routes;
  std::vector<std::string> maintenance_pages;
  std::vector<sessions::BackendTag> tags;
  std::unordered_map<sessions::BackendTag, conf::BackendId> by_tag;
  std::vector<std::shared_ptr<const sessions::SessionLimits>> limits;  ///< By PoolId; null: none.
  std::vector<std::string> ticket_names;  ///< By PoolId: what the cookie is called that holds our ticket; empty: none.

 private:
  /// Two pools may share a host: each companion has a name of its own.
  static std::string ticket_name_of(const conf::Pool& pool) {
    switch (pool.sticky.mode) {
      case conf::StickyMode::Cookie:
        return pool.sticky.cookie;
      case conf::StickyMode::AppCookie:
      case conf::StickyMode::Header:
        return pool.sticky.companion ? pool.sticky.cookie + "-" + pool.name : std::string();
      case conf::StickyMode::None:
      case conf::StickyMode::SourceIp:
        break;
    }
    return {};
  }
  std::shared_ptr<const sessions::SessionLimits> limits_of(const conf::Pool& pool) const {
    sessions::SessionLimits found{.sessions_max = pool.max_sessions, .backends = {}};
    found.backends.reserve(pool.backend_count);
    for (const conf::Backend& backend : settings->backends_of(pool)) {
      found.backends.push_back({tag_of(backend.id), backend.max_sessions});
    }
    return found.has_any() ? std::make_shared<const sessions::SessionLimits>(std::move(found)) : nullptr;
  }
};

}  // namespace holdfast::proxy
