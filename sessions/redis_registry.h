#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "redis/redis.h"
#include "sessions/acks.h"
#include "sessions/copy_lease.h"
#include "sessions/redis_text.h"
#include "sessions/registry.h"

namespace holdfast::sessions {

/// The sessions of all proxies, in Redis. What it changes reaches everybody's copies as news, ours too; an order is
/// done when all have confirmed that, or have had [redis] timeout (`patience`) to do so. References outlive it.
class RedisRegistry final : public Registry {
 public:
  struct Options {
    RedisNames names;
    base::Duration idle_timeout{};
    base::Duration patience = std::chrono::milliseconds{100};
  };
  RedisRegistry(redis::Redis& redis, CopyLease& copy_lease, base::Scheduler& scheduler, Options options);

  void list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
            Done<std::vector<Listed>> done) override;
  void find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) override;
  void move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) override;
  void end(const std::string& pool, const Key& key, Done<Effect> done) override;
  void clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
             Done<Effect> done) override;

 private:
  using OnReply = std::function<void(base::Result<redis::RedisReply>)>;
  struct Changed {
    redis::RedisReply reply;
    Acked acked = Acked::ByAll;
  };
  void run(const redis::RedisScript& script, const std::vector<std::string>& keys, const std::vector<std::string>& args,
           OnReply on_reply);
  using Script = std::function<void(const std::string& address, OnReply on_reply)>;
  void run_acked(const Script& script, std::size_t subscribers_at,
                 std::function<void(const base::Result<Changed>&)> done);
  void clear_some(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to, Effect so_far,
                  Done<Effect> done);

  redis::Redis& redis_;
  base::Scheduler& scheduler_;
  Acks acks_;
  const RedisNames names_;
  const std::string idle_ms_;
  std::unordered_map<std::uint64_t, std::unique_ptr<redis::RedisCall>> calls_;
  std::uint64_t last_call_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Acks::Wait>> waits_;
  std::uint64_t last_wait_ = 0;
};

}  // namespace holdfast::sessions
