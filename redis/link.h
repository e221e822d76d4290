#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/connection.h"
#include "redis/redis.h"

namespace holdfast::redis {

/// The real link: one connection to the Redis master, which it keeps up for ever. One for each worker, on its loop's
/// thread.
///
/// Its owner buries it when it may be on the stack. Calls that outlive it never get a reply.
class RedisLink final : public Redis, private RedisConnection::Owner {
 public:
  /// Comes on each change of state(), never from inside a call of ours.
  using OnState = std::function<void(const RedisState&)>;

  /// Who logs its changes: of a process's many links, which see the same outage, one.
  enum class Logging : std::uint8_t { On, Off };

  RedisLink(const RedisContext& context, const conf::Redis& redis, OnState on_state, Logging logging = Logging::On);
  ~RedisLink() override;

  using Redis::call;
  using Redis::run;
  using Redis::send;
  std::unique_ptr<RedisCall> call(RedisWords words, Done done) override;
  std::unique_ptr<RedisCall> run(const RedisScript& script, RedisWords keys, RedisWords args, Done done) override;
  void send(RedisWords words) override;
  void send(const RedisScript& script, RedisWords keys, RedisWords args) override;

  bool is_up() const override { return connection_.is_up(); }
  const RedisState& state() const override { return state_; }
  const RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return latency_; }

  static constexpr std::size_t kOutstandingMax = 10'000;     ///< Commands without a response; beyond: Overload.
  static constexpr std::size_t kQueuedBytesMax = 16u << 20;  ///< Not yet taken by the kernel; beyond: Overload.
  static constexpr base::Duration kTroubleHold = std::chrono::seconds{2};  ///< Degraded so long after writes failed.

 private:
  class Handle;
  class Slot;
  struct Script;
  struct Pending;

  std::unique_ptr<RedisCall> submit(RedisWords words, Done done, std::unique_ptr<Script> script);
  void introduce(const RedisScript& script);
  bool is_full() const;
  void enqueue(RedisWords words, Handle* handle, std::unique_ptr<Script> script);
  void refuse(Handle* handle);
  void on_refusals_due();

  void on_connection_up() override;
  void on_connection_reply(RedisReply reply) override;
  void on_connection_idle() override;
  void on_connection_down(const RedisState& why, const base::Error& error) override;
  bool run_again(Pending& pending, const RedisReply& reply);
  void settle(Pending pending, RedisReply reply);
  void note_latency(base::Duration took);
  void note_trouble(std::string_view error_text);
  void become(RedisState state);
  void log_state() const;

  base::Scheduler& scheduler_;
  OnState on_state_;
  const Logging logging_;
  RedisState state_;
  RedisCounts counts_;
  base::Duration latency_{};
  std::deque<Pending> pending_;  // sent, in order
  std::deque<Slot> refusals_;    // to be told on the next turn
  std::unique_ptr<base::Timer> refusal_timer_;
  std::unique_ptr<base::Timer> trouble_timer_;
  RedisConnection connection_;
};

/// [redis] with the password that HOLDFAST_REDIS_PASSWORD gives (null: is not set), where the url has none.
conf::Redis with_password(conf::Redis redis, const char* from_environment);

}  // namespace holdfast::redis
