#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proxy/balance.h"
#include "proxy/snapshot.h"
#include "sessions/redis_registry.h"
#include "sessions/redis_store.h"
#include "sessions/shared_map.h"
#include "tests/simulation/sim_link.h"

namespace holdfast::simulation {

using sessions::Generation;

inline constexpr std::size_t kBackends = 3;
inline constexpr std::size_t kUsers = 3;
inline constexpr auto kLease = sessions::SharedMap::kLease;

inline std::shared_ptr<const conf::Settings> make_shop_settings() {
  auto settings = std::make_shared<conf::Settings>();
  conf::Pool pool;
  pool.name = "shop";
  pool.sticky.mode = conf::StickyMode::AppCookie;
  pool.sticky.names = {"sid"};
  pool.backend_count = kBackends;
  settings->pools.push_back(pool);
  for (std::uint32_t i = 0; i < kBackends; ++i) {
    settings->backends.push_back(
        {.id = conf::BackendId{i}, .name = fmt::format("app{}", i), .address = {"127.0.0.1", 1}});
  }
  settings->routes.push_back({});
  return settings;
}

/// What all proxies have in common: one configuration, one secret.
struct Shop {
  std::shared_ptr<const conf::Settings> settings = make_shop_settings();
  sessions::Keyring keyring{"a secret of the simulation, long enough"};
  proxy::Snapshot snapshot{settings, std::vector<net::Address>(kBackends), keyring};
  const conf::Pool& pool() const { return settings->pools[0]; }
  static const Shop& the() {
    static const Shop shop;
    return shop;
  }
  std::array<sessions::Key, kUsers> keys = [this] {
    std::array<sessions::Key, kUsers> all;
    for (std::size_t user = 0; user < kUsers; ++user) all[user] = keyring.session_key("shop", session(user));
    return all;
  }();
  /// Of the keys in Redis.
  std::array<std::string, kUsers> names = [this] {
    std::array<std::string, kUsers> all;
    for (std::size_t user = 0; user < kUsers; ++user) all[user] = sessions::RedisNames{"h"}.session("shop", keys[user]);
    return all;
  }();
  static std::string session(std::size_t user) { return fmt::format("user{}", user); }
};

/// What Redis said of a session, from when on.
struct Agreed {
  base::Instant since{};
  Generation generation{};
  sessions::BackendTag tag{};
};

/// One process: the copies, the control loop's parts, two workers.
struct SessionProxy {
  SessionProxy(World& world, std::size_t number, std::uint64_t instance)
      : machine(world),
        name(fmt::format("n{}", number)),
        memory({.sessions_max = 1000, .seed = instance, .start = machine.loop().now()}),
        copy_lease(fmt::format("{}-{}", number, instance)),
        link(machine, [this] { on_control_link(); }),
        map(memory, copy_lease, link, machine.loop(), {"h"}, std::chrono::minutes{30}),
        registry(link, copy_lease, machine.loop(),
                 {.names = {"h"}, .idle_timeout = std::chrono::minutes{30}, .patience = SimLink::kTimeout}) {
    map.set_pools({{"shop", Shop::the().snapshot.tags}});
    for (int i = 0; i < 2; ++i) workers.emplace_back(*this);
    view.backends.resize(kBackends);
    for (auto& verdict : view.backends) verdict.state = health::State::Up;
    subscription = std::make_unique<SimSubscription>(machine, map.channels(), map);
  }
  void on_control_link() {
    if (link.is_up()) map.on_link_up();
  }

  struct Worker {
    explicit Worker(SessionProxy& proxy)
        : link(proxy.machine,
               [this, &proxy] {
                 if (link.is_up()) proxy.map.on_link_up();
               }),
          store(proxy.memory, proxy.places, proxy.copy_lease, link, proxy.machine.loop(),
                {.names = {"h"}, .idle_timeout = std::chrono::minutes{30}}),
          balancer(conf::PoolId{0}, 1) {}
    SimLink link;
    sessions::RedisStore store;
    proxy::Balancer balancer;
  };

  Machine machine;
  const std::string name;
  sessions::MemoryStore memory;
  sessions::SessionSlots places{memory};
  sessions::CopyLease copy_lease;
  SimLink link;
  sessions::SharedMap map;
  sessions::RedisRegistry registry;
  std::deque<Worker> workers;
  std::unique_ptr<SimSubscription> subscription;
  health::View view;
};

}  // namespace holdfast::simulation
