#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sessions/key.h"

/// How sessions and backends are named in Redis and towards operators. Pure.
namespace holdfast::sessions {

/// A session's name in Redis and towards operators: 22 characters of base64url.
std::string id_text(const Key& key);
std::optional<Key> parse_id(std::string_view text);

/// 16 hex digits.
std::string tag_text(BackendTag tag);
std::optional<BackendTag> parse_tag(std::string_view text);

}  // namespace holdfast::sessions
