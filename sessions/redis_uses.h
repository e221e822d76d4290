#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "sessions/key.h"
#include "sessions/redis_scripts.h"

namespace holdfast::sessions {

/// Tells Redis which sessions were used, in batches. Nobody waits for that; while Redis is away they gather.
/// Part of a RedisStore, on its thread; references outlive it.
class RedisUses {
 public:
  RedisUses(RedisScripts& scripts, base::Scheduler& scheduler);

  void note(std::string_view pool, const Key& key);
  /// That could not be told because too many were waiting.
  std::uint64_t dropped() const { return dropped_; }

 private:
  void publish();

  struct OfPool {
    std::string pool;
    std::vector<Key> keys;
  };
  RedisScripts& scripts_;
  base::Scheduler& scheduler_;
  std::vector<OfPool> pools_;
  std::size_t waiting_ = 0;  // over all pools
  std::uint64_t dropped_ = 0;
  std::unique_ptr<base::Timer> timer_;
};

}  // namespace holdfast::sessions
