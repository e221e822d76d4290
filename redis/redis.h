#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"

/// Redis as the floors above see it: commands, scripts and the state of the link. redis/link is the real one;
/// tests make their own. Nothing here knows how it is spoken.
namespace holdfast::redis {

/// The reply of Redis to one command (RESP2). A value.
struct RedisReply {
  enum class Kind : std::uint8_t {
    Nil,
    Integer,
    Text,   ///< A status ("OK") or a string, which may hold any bytes.
    Array,  ///< `items`; an empty array is no Nil.
    Error,  ///< Only inside an Array (EXEC, scripts): an error for the whole command arrives as a base::Error.
  };
  Kind kind = Kind::Nil;
  std::int64_t integer = 0;
  std::string text = {};
  std::vector<RedisReply> items = {};

  bool is_nil() const { return kind == Kind::Nil; }
  bool is_integer() const { return kind == Kind::Integer; }
  bool is_text() const { return kind == Kind::Text; }
  bool is_array() const { return kind == Kind::Array; }
  bool operator==(const RedisReply&) const = default;
};

/// A Lua script with the hash Redis knows it by. Make it once and keep it: the hash is computed here.
class RedisScript {
 public:
  /// `name` is for logs and error texts.
  RedisScript(std::string_view name, std::string_view source);
  const std::string& name() const { return name_; }
  const std::string& source() const { return source_; }
  const std::string& sha1() const { return sha1_; }  ///< 40 lower-case hex digits.

 private:
  std::string name_;
  std::string source_;
  std::string sha1_;
};

/// How the link is. `reason` is one fixed snake_case word for logs, status page and metrics, empty while Ok.
struct RedisState {
  enum class Word : std::uint8_t {
    Connecting,  ///< Not up yet, and nothing has failed so far.
    Ok,
    Degraded,  ///< Down; or, while is_up(), reads work and writes are refused (reasons oom, misconf, no_replicas).
  };
  Word word = Word::Connecting;
  std::string reason = {};
  std::string detail = {};  ///< For people: the server's or the system's words. Never a password.
  bool operator==(const RedisState&) const = default;
};
constexpr std::string_view name_of(RedisState::Word word) {
  switch (word) {
    case RedisState::Word::Connecting:
      return "connecting";
    case RedisState::Word::Ok:
      return "ok";
    case RedisState::Word::Degraded:
      return "degraded";
  }
  return "unknown";
}

/// What a link has done since it was made.
struct RedisCounts {
  std::uint64_t commands = 0;  ///< Sent for callers: no handshakes, no pings.
  std::uint64_t timeouts = 0;  ///< Commands without a response when a deadline passed.
  std::uint64_t lost = 0;      ///< Commands without a response when the connection ended otherwise.
  std::uint64_t errors = 0;    ///< Commands with an error as reply.
  std::uint64_t refused = 0;   ///< Commands that were never sent: the link was down or full.
  std::uint64_t connects = 0;  ///< Times the link came up; the first one is no reconnect.
};

/// A command under way. Destroying it means the callback never comes; Redis may still execute the command.
class RedisCall : public base::Buried {};

using RedisWords = std::span<const std::string_view>;

/// One thread's link to Redis. All functions are called on its loop's thread.
///
/// A command waits for its response at most [redis] timeout. When one deadline passes the link is down and everything
/// under way fails at once; while it is down a command fails on the next turn of the loop, so nobody waits twice for a
/// server that is gone. Whoever cares looks at is_up() first.
///
/// Errors: Unavailable (link down, or this server cannot serve now: READONLY, OOM, LOADING, MASTERDOWN, NOREPLICAS,
/// CLUSTERDOWN, MISCONF, TRYAGAIN, BUSY), Timeout, Closed, Reset or Malformed (the connection ended so, the command may
/// have been executed), Overload (too much under way), Malformed (WRONGTYPE), Invalid (any other error reply).
class Redis : public base::Buried {
 public:
  using Done = std::function<void(base::Result<RedisReply>)>;

  /// Sends one command; `words` must not be empty and are copied. `done` is called exactly once, never from inside
  /// call(), unless the handle is destroyed first. Responses come in the order of the commands. `done` may destroy its
  /// own handle and others, and may send more.
  virtual std::unique_ptr<RedisCall> call(RedisWords words, Done done) = 0;
  /// The same for a script. A server that has forgotten it (restart, failover, SCRIPT FLUSH) is given it again within
  /// the deadline of the call; a script that was given again may run after commands sent later.
  virtual std::unique_ptr<RedisCall> run(const RedisScript& script, RedisWords keys, RedisWords args, Done done) = 0;
  /// Nobody waits for the response: errors are counted only, and while the link is down the command is dropped (and
  /// counted as refused).
  virtual void send(RedisWords words) = 0;
  virtual void send(const RedisScript& script, RedisWords keys, RedisWords args) = 0;

  /// Commands are being sent. May be true while state() is Degraded: see there.
  virtual bool is_up() const = 0;
  virtual const RedisState& state() const = 0;
  virtual const RedisCounts& counts() const = 0;
  /// From sending a command to its response, smoothed; 0 before the first.
  virtual base::Duration latency() const = 0;

  // The same with the words in braces: call({"GET", key}, done).
  using List = std::initializer_list<std::string_view>;
  std::unique_ptr<RedisCall> call(List words, Done done) { return call(span_of(words), std::move(done)); }
  std::unique_ptr<RedisCall> run(const RedisScript& script, List keys, List args, Done done) {
    return run(script, span_of(keys), span_of(args), std::move(done));
  }
  void send(List words) { send(span_of(words)); }
  void send(const RedisScript& script, List keys, List args) { send(script, span_of(keys), span_of(args)); }

 private:
  static RedisWords span_of(List list) { return {list.begin(), list.size()}; }
};

/// Messages of a fixed list of channels (RESP2 SUBSCRIBE). Redis keeps nothing for who is away: between on_lost and
/// on_subscribed messages are gone for good.
class RedisListener {
 public:
  RedisListener() = default;
  RedisListener(const RedisListener&) = delete;
  RedisListener& operator=(const RedisListener&) = delete;
  virtual ~RedisListener() = default;
  virtual void on_message(std::string_view channel, std::string_view payload) = 0;
  /// After each (re)connection, once all channels are subscribed: from here on nothing is missed.
  virtual void on_subscribed() = 0;
  /// Once for each time on_subscribed no longer holds; and once when the first connection fails.
  virtual void on_lost(const RedisState& state) = 0;
};

}  // namespace holdfast::redis
