#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "redis/redis.h"
#include "tests/simulation/world.h"

namespace holdfast::simulation {

/// A machine's link to the Redis of its world, with the manners of redis::RedisLink: deadlines, a breaker, pings,
/// reconnection. A connection is TCP's: in order, without gaps, and when it breaks it may take a while to be noticed;
/// what was sent before may still be executed much later.
class SimLink final : public redis::Redis, private ServerEnd {
 public:
  static constexpr base::Duration kTimeout = 100ms;

  SimLink(Machine& machine, std::function<void()> on_state);
  ~SimLink() override;

  using Redis::call;
  using Redis::run;
  using Redis::send;
  std::unique_ptr<redis::RedisCall> call(redis::RedisWords words, Done done) override;
  std::unique_ptr<redis::RedisCall> run(const redis::RedisScript& script, redis::RedisWords keys,
                                        redis::RedisWords args, Done done) override;
  void send(redis::RedisWords words) override;
  void send(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) override;
  bool is_up() const override { return is_up_; }
  const redis::RedisState& state() const override;
  const redis::RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return {}; }

 private:
  class Handle;
  using Command = std::function<redis::RedisReply()>;
  struct Sent {
    Handle* handle = nullptr;
    base::Instant due;
  };
  /// One TCP connection, as both ends and the wire know it.
  struct Wire {
    SimLink* link = nullptr;  // null: the client has closed it
    bool is_broken = false;   // something was lost: nothing behind it can come
    base::Instant up_busy{};  // the last arrival at the server
    base::Instant down_busy{};
  };

  std::unique_ptr<Handle> submit(Command command, Done done);
  void send(Command command, Handle* handle);
  void on_reply(const std::shared_ptr<Wire>& wire, redis::RedisReply reply);
  void connect();
  void go_up();
  void go_down(base::ErrorCode why);
  void on_due();
  void on_idle();
  void forget(Handle* handle);

  void on_server_died() override;
  void on_published(const std::string&, const std::string&) override {}

  Machine& machine_;
  World& world_;
  std::function<void()> on_state_;
  bool is_up_ = false;
  base::Duration pause_ = 50ms;
  std::shared_ptr<Wire> wire_;
  std::deque<Sent> sent_;
  std::vector<Handle*> refused_;
  std::unique_ptr<base::Timer> due_timer_;
  std::unique_ptr<base::Timer> idle_timer_;
  std::unique_ptr<base::Timer> connect_timer_;
  std::unique_ptr<base::Timer> refuse_timer_;
  redis::RedisCounts counts_;
};

/// The same for a subscription, with the manners of redis::RedisSubscription.
class SimSubscription final : private ServerEnd {
 public:
  SimSubscription(Machine& machine, std::vector<std::string> channels, redis::RedisListener& listener);
  ~SimSubscription() override;
  /// The connection breaks, and we are told so.
  void reset();

 private:
  struct Wire {
    SimSubscription* client = nullptr;
    bool is_broken = false;
    base::Instant busy{};
  };
  void connect();
  void lose();
  void drop();
  void on_ping();
  void deliver(const std::shared_ptr<Wire>& wire, base::Duration delay, std::function<void(SimSubscription&)> what);

  void on_server_died() override;
  void on_published(const std::string& channel, const std::string& message) override;

  Machine& machine_;
  World& world_;
  const std::vector<std::string> channels_;
  redis::RedisListener& listener_;
  std::shared_ptr<Wire> wire_;  // null: the server does not know us
  bool is_subscribed_ = false;
  bool was_told_ = false;
  base::Instant received_at_{};  // anything at all
  std::unique_ptr<base::Timer> connect_timer_;
  std::unique_ptr<base::Timer> ping_timer_;
  std::unique_ptr<base::Timer> pong_timer_;
  std::vector<std::shared_ptr<Wire>> strays_;                         // of a hostile world
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  // events of the world may outlive us
};

}  // namespace holdfast::simulation
