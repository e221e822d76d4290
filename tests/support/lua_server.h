#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "redis/redis.h"
#include "tests/support/fake_loop.h"
#include "tests/support/lua_redis.h"

namespace holdfast::tests {

class LuaLink;

/// A Redis in memory with the product's own scripts, which answers each command within the turn it comes in. Its clock
/// is the loop's, or further where a test says so.
class LuaServer {
 public:
  explicit LuaServer(FakeLoop& loop);

  std::unique_ptr<LuaLink> link(redis::RedisListener* listener);

  /// Nobody is answered any more: links go down; up() brings them back.
  void down();
  void up();
  /// Keeps nothing.
  void lose_all() { redis_.lose_all(); }
  /// How many fields the hash has.
  std::size_t hash_size(const std::string& key) { return redis_.command({"HGETALL", key}).items.size() / 2; }

  std::int64_t offset_ms = 0;
  std::size_t heartbeats = 0;  ///< How many heartbeats have come.

 private:
  friend class LuaLink;
  redis::RedisReply run(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args);
  void publish(const std::string& channel, const std::string& message);

  FakeLoop& loop_;
  base::Instant start_;
  LuaRedis redis_;
  bool is_up_ = true;
  std::vector<LuaLink*> links_;
};

/// One proxy's link to it. Responses come in a later turn.
class LuaLink final : public redis::Redis {
 public:
  LuaLink(LuaServer& server, redis::RedisListener* listener);
  ~LuaLink() override;

  using Redis::call;
  using Redis::run;
  using Redis::send;
  std::unique_ptr<redis::RedisCall> call(redis::RedisWords words, Done done) override;
  std::unique_ptr<redis::RedisCall> run(const redis::RedisScript& script, redis::RedisWords keys,
                                        redis::RedisWords args, Done done) override;
  void send(redis::RedisWords words) override;
  void send(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) override;
  bool is_up() const override { return server_.is_up_ && is_reachable_; }
  const redis::RedisState& state() const override;
  const redis::RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return {}; }

  void listen(redis::RedisListener* listener) { listener_ = listener; }
  void on_state(std::function<void()> changed) { on_state_ = std::move(changed); }
  /// This proxy alone loses Redis, or finds it again.
  void cut();
  void mend();

 private:
  friend class LuaServer;
  class Handle;
  std::unique_ptr<redis::RedisCall> respond(base::Result<redis::RedisReply> reply, Done done);

  LuaServer& server_;
  redis::RedisListener* listener_;
  std::function<void()> on_state_;
  bool is_reachable_ = true;
  redis::RedisCounts counts_;
};

}  // namespace holdfast::tests
