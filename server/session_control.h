#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "proxy/snapshot.h"
#include "redis/hub.h"
#include "sessions/copy_lease.h"
#include "sessions/memory_registry.h"
#include "sessions/memory_store.h"
#include "sessions/registry.h"
#include "sessions/session_change.h"
#include "sessions/session_slots.h"
#include "sessions/session_usage.h"
#include "sessions/session_usage_counter.h"
#include "sessions/shared_map.h"

namespace holdfast::server {

/// The session map as the process sees it: in memory, or, with store = "redis", copies of the one in Redis and what
/// keeps them true. Owned by Server, on the control loop; what it is given outlives it.
class SessionControl {
 public:
  /// No session's times are earlier than `start`. `hub` is nullptr without [redis].
  SessionControl(const conf::Settings& settings, base::Scheduler& scheduler, redis::RedisHub* hub, base::Random& random,
                 base::Instant start);
  ~SessionControl();

  sessions::MemoryStore& memory() { return memory_; }
  const sessions::MemoryStore& memory() const { return memory_; }
  sessions::SessionSlots& slots() { return slots_; }
  /// What the workers' stores share with what listens here.
  sessions::CopyLease& copy_lease() { return copy_lease_; }
  sessions::Registry& registry() { return *registry_; }
  bool is_shared() const { return is_shared_; }
  /// Which backends there are; again after a reload.
  void start(const proxy::Snapshot& snapshot);
  /// A worker's own link to Redis has become Ok, or is no longer.
  void on_worker_link(const redis::RedisState& now);
  /// Whether operators may change the map; what is in Redis they always may.
  void take_orders(sessions::MemoryRegistry::Orders orders);
  /// What the old process of an upgrade had in memory, the longest idle first.
  void import_sessions(const std::vector<sessions::SessionRecord>& sessions);
  /// For a client that the old process still serves.
  sessions::BindResult decide(const sessions::SessionChange& change);
  /// Once a second.
  void on_tick();
  /// An orderly stop begins: no other proxy need wait for our acks.
  void leave();

  /// Sessions bound to a backend: over all proxies where Redis says so, else of this one.
  std::uint64_t size_of(sessions::BackendTag backend) const;
  /// That is all there are: Redis has counted, and nobody's copies are still to be told to it.
  bool knows_all() const;
  /// How they are used; nullopt: not known yet.
  std::optional<sessions::SessionUsage> usage_of(sessions::BackendTag backend) const;
  /// Of all links together: Ok only when `workers` of theirs are up, too. nullopt without Redis.
  std::optional<redis::RedisState> state(std::size_t workers) const;

 private:
  const bool is_shared_;
  base::Scheduler& scheduler_;
  sessions::MemoryStore memory_;
  sessions::SessionSlots slots_{memory_};
  std::optional<sessions::SessionUsageCounter> usage_;  // of a map in memory: Redis counts what it keeps
  sessions::CopyLease copy_lease_;
  redis::RedisHub* const hub_;
  std::size_t worker_links_ = 0;                                                       // that are Ok
  redis::RedisState worker_trouble_{redis::RedisState::Word::Degraded, "connecting"};  // of the last one that was not
  std::unique_ptr<sessions::SharedMap> map_;
  sessions::MemoryRegistry* memory_registry_ = nullptr;  // registry_, where it is one
  std::unique_ptr<sessions::Registry> registry_;
};

}  // namespace holdfast::server
