#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/redis.h"
#include "sessions/binding.h"
#include "sessions/key.h"

/// How the session map is written in Redis; docs/redis.md describes it. Pure.
namespace holdfast::sessions {

/// A session's name in Redis and towards operators: 22 characters of base64url.
std::string id_text(const Key& key);
std::optional<Key> parse_id(std::string_view text);

/// 16 hex digits.
std::string tag_text(BackendTag tag);
std::optional<BackendTag> parse_tag(std::string_view text);

/// What the scripts answer: {generation, tag, 1 if this call made it so}.
std::optional<Held> parse_held(const net::RedisReply& reply);

/// A session the others are told of: "id generation tag".
struct News {
  Key key;
  Binding binding;
};
std::optional<News> parse_news(std::string_view payload);

/// Names of keys: all of a pool share one hash tag, so that a script may touch them together.
struct RedisNames {
  std::string prefix;  ///< [redis] prefix

  std::string base_of(std::string_view pool) const { return prefix + ":{" + std::string(pool) + "}:"; }
  std::string session(std::string_view pool, const Key& key) const { return base_of(pool) + "s:" + id_text(key); }
  std::string index(std::string_view pool, BackendTag tag) const { return base_of(pool) + "b:" + tag_text(tag); }
  /// Channel of moves and ends.
  std::string news() const { return prefix + ":sessions"; }
};

}  // namespace holdfast::sessions
