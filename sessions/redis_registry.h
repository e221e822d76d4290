#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "net/redis.h"
#include "sessions/redis_text.h"
#include "sessions/registry.h"

namespace holdfast::sessions {

/// The sessions of all proxies, in Redis. What it changes reaches everybody's copies as news. `redis` outlives it.
class RedisRegistry final : public Registry {
 public:
  RedisRegistry(net::Redis& redis, RedisNames names, base::Duration idle_timeout);

  void list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
            Done<std::vector<Listed>> done) override;
  void find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) override;
  void move(const std::string& pool, const Key& key, BackendTag to, Done<bool> done) override;
  void end(const std::string& pool, const Key& key, Done<bool> done) override;
  void clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
             Done<std::uint64_t> done) override;

 private:
  using OnReply = std::function<void(base::Result<net::RedisReply>)>;
  void run(const net::RedisScript& script, const std::vector<std::string>& keys, const std::vector<std::string>& args,
           OnReply on_reply);
  void clear_some(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to, std::uint64_t so_far,
                  Done<std::uint64_t> done);

  net::Redis& redis_;
  const RedisNames names_;
  const std::string idle_ms_;
  std::unordered_map<std::uint64_t, std::unique_ptr<net::RedisCall>> calls_;
  std::uint64_t last_call_ = 0;
};

}  // namespace holdfast::sessions
