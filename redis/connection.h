#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "redis/handshake.h"
#include "redis/master_discovery.h"
#include "redis/wire.h"

namespace holdfast::redis {

/// What everything that speaks to Redis stands on. All of it outlives the link or subscription.
struct RedisContext {
  base::Scheduler& scheduler;
  net::Dialer& dialer;
  net::Resolver& resolver;
  std::uint64_t seed = 0;  ///< Of the jitter between attempts.
};

/// Keeps one connection to the master up for a link or a subscription: searches, dials, greets, watches deadlines, and
/// after a failure tries again after a pause. Its owner knows which command a response belongs to.
///
/// Resting -> Seeking -> Dialling -> Greeting -> Verifying -> Up      from each, a failure leads back to Resting
///
/// Verifying: one PING, which needs a reply as fast as any command. So a server that is alive but slow is not taken
/// for one to work with, and an outage makes callers wait once, not once per attempt.
class RedisConnection final : private RedisWire::Owner {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Commands may be sent now, also from inside.
    virtual void on_connection_up() = 0;
    /// Anything the server says while Up.
    virtual void on_connection_reply(RedisReply reply) = 0;
    /// Nothing has been sent for kPingInterval: send something that needs a reply.
    virtual void on_connection_idle() = 0;
    /// It was Up and is no more, or an attempt has failed. Commands without a reply never get one.
    virtual void on_connection_down(const RedisState& why, const base::Error& error) = 0;
  };

  RedisConnection(const RedisContext& context, const conf::Redis& redis, Owner& owner);
  ~RedisConnection() override;

  /// Begins; once.
  void start();
  bool is_up() const { return state_ == State::Up; }
  /// Only while up. `due` is when the reply must be there; call answered() for each reply. Never calls the owner.
  void send(RedisWords words, base::Instant due) { send(words, due, Kind::First); }
  /// The same for a command that is sent a second time and keeps its first deadline.
  void send_again(RedisWords words, base::Instant due) { send(words, due, Kind::Again); }
  /// The oldest command sent has its response.
  void answered();
  /// The owner has seen that this server will not do. From inside on_connection_reply only.
  void give_up(const RedisState& why, const base::Error& error) { fail(why, error); }
  std::size_t queued_bytes() const { return wire_ ? wire_->queued_bytes() : 0; }
  base::Instant due_from_now() { return context_.scheduler.now() + redis_.timeout; }
  const std::string& address_text() const { return address_text_; }

  /// What the greeting adds for the server; kept over reconnections.
  std::vector<RedisScript>& scripts() { return scripts_; }

  static constexpr base::Duration kGreetingPatience = std::chrono::seconds{1};  ///< Dial and greeting; each.
  static constexpr base::Duration kPauseMin = std::chrono::milliseconds{50};    ///< After the first failure.
  static constexpr base::Duration kPauseMax = std::chrono::seconds{2};          ///< Doubled up to this.
  static constexpr base::Duration kStableAfter =
      std::chrono::seconds{5};  ///< Up this long: pauses start from the minimum.
  static constexpr base::Duration kPingInterval = std::chrono::seconds{1};

 private:
  enum class State : std::uint8_t { Resting, Seeking, Dialling, Greeting, Verifying, Up };
  enum class Kind : std::uint8_t { First, Again };
  struct Sent {
    base::Instant due;
    Kind kind;
  };

  void attempt();
  void on_found(base::Result<net::Address> found);
  void on_dialled(base::Result<std::unique_ptr<net::Stream>> dialled);
  void on_wire_reply(RedisReply reply) override;
  void on_wire_broken(const base::Error& error) override;
  void on_greeting(const RedisReply& reply);
  void on_verified(const RedisReply& reply);
  void on_due();
  void on_idle_tick();
  void send(RedisWords words, base::Instant due, Kind kind);
  void watch();
  void fail(const RedisState& why, const base::Error& error);
  void rest(const RedisState& why);
  void drop();

  const RedisContext context_;
  const conf::Redis redis_;
  Owner& owner_;
  MasterDiscovery discovery_;
  base::Random random_;
  std::vector<RedisScript> scripts_;

  State state_ = State::Resting;
  std::unique_ptr<base::Timer> timer_;       // the end of a pause, or the deadline of what is awaited
  std::unique_ptr<base::Timer> idle_timer_;  // set while up
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<RedisWire> wire_;
  RedisHandshake handshake_;
  std::string address_text_;

  // Both queues are in the order of their deadlines, because responses come in the order of the commands.
  std::deque<Sent> sent_;
  std::deque<base::Instant> again_dues_;  // of those in sent_ that are there a second time
  base::Instant last_sent_{};
  base::Instant up_since_{};
  unsigned failures_ = 0;  // in a row
};

}  // namespace holdfast::redis
