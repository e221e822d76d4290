#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/redis.h"
#include "tests/support/fake_loop.h"

namespace holdfast::tests {

class FakeRedisLink;

/// A Redis of its own kind: hashes, counters, one channel, and the scripts of cluster/ played in C++. Its clock is the
/// loop's, or further where a test says so.
class FakeRedis {
 public:
  explicit FakeRedis(FakeLoop& loop) : loop_(loop), start_(loop.now()) {}

  std::unique_ptr<FakeRedisLink> link(net::RedisListener* listener);
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
  net::RedisReply run(std::string_view script, const std::vector<std::string>& keys,
                      const std::vector<std::string>& args);
  net::RedisReply pulse(const std::vector<std::string>& keys, const std::vector<std::string>& args);
  net::RedisReply put(const std::vector<std::string>& keys, const std::vector<std::string>& args);
  void publish(const std::string& message);

  FakeLoop& loop_;
  base::Instant start_;
  bool is_up_ = true;
  std::vector<FakeRedisLink*> links_;
};

/// One proxy's link to it. Answers come in a later turn.
class FakeRedisLink final : public net::Redis {
 public:
  FakeRedisLink(FakeRedis& redis, net::RedisListener* listener);
  ~FakeRedisLink() override;

  using Redis::call;
  using Redis::run;
  using Redis::tell;
  std::unique_ptr<net::RedisCall> call(net::RedisWords words, Done done) override;
  std::unique_ptr<net::RedisCall> run(const net::RedisScript& script, net::RedisWords keys, net::RedisWords args,
                                      Done done) override;
  void tell(net::RedisWords words) override;
  void tell(const net::RedisScript& script, net::RedisWords keys, net::RedisWords args) override;
  bool is_up() const override { return redis_.is_up_ && is_reachable_; }
  const net::RedisState& state() const override;
  const net::RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return {}; }

  void listen(net::RedisListener* listener) { listener_ = listener; }
  void on_state(std::function<void()> changed) { on_state_ = std::move(changed); }
  /// This proxy alone loses Redis, or finds it again.
  void cut();
  void mend();

 private:
  friend class FakeRedis;
  class Handle;
  std::unique_ptr<net::RedisCall> answer(base::Result<net::RedisReply> reply, Done done);

  FakeRedis& redis_;
  net::RedisListener* listener_;
  std::function<void()> on_state_;
  bool is_reachable_ = true;
  net::RedisCounts counts_;
};

}  // namespace holdfast::tests
