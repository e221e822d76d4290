#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/redis.h"
#include "sessions/binding.h"
#include "sessions/id_text.h"
#include "sessions/key.h"
#include "sessions/session_slots.h"

/// How the session map is written in Redis; docs/redis.md describes it. Pure.
namespace holdfast::sessions {

/// What the scripts return: {generation, tag, 1 if this call made it so}.
std::optional<BindResult> parse_bind_result(const redis::RedisReply& reply);

/// What the script for slots returns; the slot itself is the caller's to add.
std::optional<Admission> parse_admission(const redis::RedisReply& reply);

/// A session the others are told of: "id generation tag".
struct News {
  Key key;
  Binding binding;
};
std::optional<News> parse_news(std::string_view payload);

/// On the channel of the news: every subscriber must send an ack, "? PROCESS HANDLER NUMBER". On the process's own
/// channel: that ack, "HANDLER NUMBER SUBSCRIBER".
struct AckAddress {
  std::string_view process;
  std::string_view handler_and_number;
};
std::optional<AckAddress> parse_ack_request(std::string_view payload);
struct Ack {
  std::uint32_t handler = 0;
  std::uint64_t number = 0;
  std::string_view subscriber;
};
std::optional<Ack> parse_ack(std::string_view payload);

/// Names of keys: all of a pool share one hash tag, so that a script may touch them together.
struct RedisNames {
  std::string prefix;  ///< [redis] prefix

  std::string base_of(std::string_view pool) const { return prefix + ":{" + std::string(pool) + "}:"; }
  std::string session(std::string_view pool, const Key& key) const { return base_of(pool) + "s:" + id_text(key); }
  std::string index(std::string_view pool, BackendTag tag) const { return base_of(pool) + "b:" + tag_text(tag); }
  /// Channel of moves and ends.
  std::string news() const { return prefix + ":sessions"; }
  /// Sorted set: the subscribers to the updates, by the end of its lease in milliseconds.
  std::string subscribers() const { return prefix + ":hearers"; }
  /// Channel of one process: its own words come back, and acks for it.
  std::string own_channel(std::string_view process) const { return prefix + ":heard:" + std::string(process); }
};

}  // namespace holdfast::sessions
