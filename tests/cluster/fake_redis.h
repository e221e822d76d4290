#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "redis/redis.h"
#include "tests/support/fake_loop.h"

namespace holdfast::tests {

class FakeRedisLink;

/// A Redis of its own kind: hashes, counters, one channel, and the scripts of cluster/ played in C++. Its clock is the
/// loop's, or further where a test says so.
class FakeRedis {
 public:
  explicit FakeRedis(FakeLoop& loop) : loop_(loop), start_(loop.now()) {}

  std::unique_ptr<FakeRedisLink> link(redis::RedisListener* listener);
  std::int64_t now_ms() const { return 1'800'000'000'000 + offset_ms + base::count_ms(loop_.now() - start_); }

  /// Nobody is answered any more: links go down; up() brings them back.
  void down();
  void up();
  /// Keeps nothing.
  void lose_all() { hashes.clear(), counters.clear(); }

  std::map<std::string, std::map<std::string, std::string>> hashes;
  std::map<std::string, std::int64_t> counters;
  std::int64_t offset_ms = 0;
  std::size_t pulses = 0;  ///< How many heartbeats have come.

 private:
  friend class FakeRedisLink;
  redis::RedisReply run(std::string_view script, const std::vector<std::string>& keys,
                        const std::vector<std::string>& args);
  redis::RedisReply pulse(const std::vector<std::string>& keys, const std::vector<std::string>& args);
  redis::RedisReply put(const std::vector<std::string>& keys, const std::vector<std::string>& args);
  void publish(const std::string& message);

  FakeLoop& loop_;
  base::Instant start_;
  bool is_up_ = true;
  std::vector<FakeRedisLink*> links_;
};

/// One proxy's link to it. Answers come in a later turn.
class FakeRedisLink final : public redis::Redis {
 public:
  FakeRedisLink(FakeRedis& redis, redis::RedisListener* listener);
  ~FakeRedisLink() override;

  using Redis::call;
  using Redis::run;
  using Redis::tell;
  std::unique_ptr<redis::RedisCall> call(redis::RedisWords words, Done done) override;
  std::unique_ptr<redis::RedisCall> run(const redis::RedisScript& script, redis::RedisWords keys,
                                        redis::RedisWords args, Done done) override;
  void tell(redis::RedisWords words) override;
  void tell(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) override;
  bool is_up() const override { return redis_.is_up_ && is_reachable_; }
  const redis::RedisState& state() const override;
  const redis::RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return {}; }

  void listen(redis::RedisListener* listener) { listener_ = listener; }
  void on_state(std::function<void()> changed) { on_state_ = std::move(changed); }
  /// This proxy alone loses Redis, or finds it again.
  void cut();
  void mend();

 private:
  friend class FakeRedis;
  class Handle;
  std::unique_ptr<redis::RedisCall> answer(base::Result<redis::RedisReply> reply, Done done);

  FakeRedis& redis_;
  redis::RedisListener* listener_;
  std::function<void()> on_state_;
  bool is_reachable_ = true;
  redis::RedisCounts counts_;
};

}  // namespace holdfast::tests
