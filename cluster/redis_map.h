#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// How a value is put: it is of this moment and counts as later than all that is there, or it is older and may have to
/// give way.
enum class Put : std::uint8_t { Now, Offer };

/// What is put, and the text of it.
template <class Value>
struct Sent {
  const Value& value;
  const std::string& text;
};

/// A map in Redis that all proxies read and write, with typed values. It keeps nothing: ReplicatedMap adds a copy.
///
/// A Codec is a small value that knows one map:
///   using Value = ...
///   std::string text_of(const Value&) const;                  as Redis keeps it
///   std::optional<Value> parse(std::string_view) const;       nullopt: not understood, or of no use any more
///   Call put(Redis&, key, Sent, Put, Done) const;             runs the script that decides; it replies what holds
///   const std::string& hash() const;                          for read() alone
///
/// On the control loop; references outlive it. What is under way when it goes is never answered.
template <class Codec>
class RedisMap {
 public:
  using Value = typename Codec::Value;
  using Sent = cluster::Sent<Value>;
  using Done = std::function<void(base::Result<Value>)>;
  struct Entry {
    std::string key;
    std::optional<Value> value;  ///< nullopt: see parse().
  };
  using OnRead = std::function<void(base::Result<std::vector<Entry>>)>;

  RedisMap(base::Scheduler& scheduler, redis::Redis& redis, Codec codec)
      : scheduler_(scheduler), redis_(redis), codec_(std::move(codec)) {}
  RedisMap(const RedisMap&) = delete;
  RedisMap& operator=(const RedisMap&) = delete;

  const Codec& codec() const { return codec_; }
  redis::Redis& redis() { return redis_; }
  bool is_up() const { return redis_.is_up(); }

  /// `done` gets what holds for the key from now on: `value`, or another one. Errors: those of Redis; Malformed.
  void put(const std::string& key, const Value& value, Put how, Done done) {
    const auto place = puts_.emplace(puts_.end());
    const std::string text = codec_.text_of(value);
    *place = codec_.put(redis_, key, Sent{value, text}, how,
                        [this, place, value, text, done = std::move(done)](base::Result<redis::RedisReply> reply) {
                          scheduler_.bury(std::move(*place));
                          puts_.erase(place);
                          done(reply ? value_in(*reply, Sent{value, text}) : reply.error());
                        });
  }
  /// Puts without a reply so far.
  std::size_t puts_under_way() const { return puts_.size(); }

  /// All there is. A reading under way is given up.
  void read(OnRead done) {
    reading_ =
        redis_.call({"HGETALL", codec_.hash()}, [this, done = std::move(done)](base::Result<redis::RedisReply> reply) {
          scheduler_.bury(std::move(reading_));
          done(reply ? entries_in(*reply) : reply.error());
        });
  }
  bool is_reading() const { return reading_ != nullptr; }
  void stop_reading() { reading_.reset(); }

 private:
  base::Result<Value> value_in(const redis::RedisReply& reply, const Sent& sent) const {
    if (reply.text == sent.text) return sent.value;
    if (auto holds = codec_.parse(reply.text)) return std::move(*holds);
    return base::Error{base::ErrorCode::Malformed, "an odd answer of Redis"};
  }
  base::Result<std::vector<Entry>> entries_in(const redis::RedisReply& reply) const {
    if (!reply.is_array()) return base::Error{base::ErrorCode::Malformed, "an odd answer of Redis"};
    std::vector<Entry> entries;
    for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
      entries.push_back({reply.items[i].text, codec_.parse(reply.items[i + 1].text)});
    }
    return entries;
  }

  base::Scheduler& scheduler_;
  redis::Redis& redis_;
  const Codec codec_;
  std::list<std::unique_ptr<redis::RedisCall>> puts_;
  std::unique_ptr<redis::RedisCall> reading_;
};

}  // namespace holdfast::cluster
