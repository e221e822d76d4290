#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/scheduler.h"
#include "base/time.h"
#include "cluster/redis_map.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// Somebody who takes the backends of a pool out, one after the other.
struct RollHolder {
  std::string id;       ///< Of this one roll: who knows it may renew and end it. No white space.
  std::string backend;  ///< Which one it is at; empty: none yet. No white space.
  std::string by;       ///< For people.
  base::WallTime since{};
  bool operator==(const RollHolder&) const = default;
};

/// The rolls in Redis: a key for each pool, which ends by itself. Who has the pool keeps it until then.
class RollCodec {
 public:
  using Value = RollHolder;

  explicit RollCodec(std::string_view prefix) : prefix_(prefix) {}

  std::string text_of(const Value& holder) const;
  std::optional<Value> parse(std::string_view text) const;
  std::unique_ptr<redis::RedisCall> put(redis::Redis& redis, const std::string& pool, const Sent<Value>& wish, Put how,
                                        redis::Redis::Done done) const;
  void release(redis::Redis& redis, std::string_view pool, std::string_view id) const;

 private:
  std::string key(std::string_view pool) const;

  std::string prefix_;
};

/// At most one roll of a pool at a time, over all proxies: a lease in Redis where there is one, else in this process.
/// With Redis there is no copy here: a lease is only good when Redis has just said so.
///
/// The lease ends by itself when it is not renewed: a roll that dies does not lock the pool. Lives on the control loop;
/// references outlive it.
class RollLeases {
 public:
  using Done = std::function<void(base::Result<RollHolder>)>;

  /// `redis` is null where none is configured.
  RollLeases(base::Scheduler& scheduler, redis::Redis* redis, std::string_view prefix);

  /// Takes the pool, or renews it. `done` gets who has it now: `wish` itself (with the time it began), or another one.
  /// Called once, perhaps from inside the call. Errors: those of Redis: nobody knows who has it.
  void take(const std::string& pool, const RollHolder& wish, Done done);
  /// Gives it back; nothing happens when `id` does not have it.
  void release(const std::string& pool, std::string_view id);

  static constexpr base::Duration kLease = std::chrono::seconds{30};

 private:
  struct HeldRoll {
    RollHolder holder;
    base::Instant until{};
  };
  void take_here(const std::string& pool, const RollHolder& wish, const Done& done);

  base::Scheduler& scheduler_;
  std::optional<RedisMap<RollCodec>> map_;             // with Redis
  std::map<std::string, HeldRoll, std::less<>> held_;  // without
};

/// "ID SINCE_MS BACKEND BY", as Redis keeps it; "-" for no backend. nullopt: it is no such text.
std::string text_of(const RollHolder& holder);
std::optional<RollHolder> parse_roll_holder(std::string_view text);

}  // namespace holdfast::cluster
