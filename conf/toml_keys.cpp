#include "conf/toml_keys.h"

#include <algorithm>

namespace holdfast::conf {

namespace {

/// The position after the string that begins at `at`, or text.size() where it does not end.
std::size_t after_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view triple = quote == '"' ? "\"\"\"" : "'''";
  const bool is_multiline = text.substr(at, 3) == triple;
  at += is_multiline ? 3 : 1;
  while (at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      at += 2;
    } else if (is_multiline && text.substr(at, 3) == triple) {
      at += 3;
      // Up to two more quotes belong to the string: """a""""" ends with the last of them.
      for (int i = 0; i < 2 && at < text.size() && text[at] == quote; ++i) ++at;
      return at;
    } else if (!is_multiline && text[at] == quote) {
      return at + 1;
    } else if (!is_multiline && text[at] == '\n') {
      return at;
    } else {
      ++at;
    }
  }
  return text.size();
}

Place place_at(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;
  return {static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<std::uint32_t>(1 + at - line_start)};
}

}  // namespace

std::optional<Place> find_overlong_key(std::string_view text, std::size_t segments_max) {
  std::size_t dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"':
      case '\'':
        at = after_string(text, at);
        continue;
      case '#':
        at = std::min(text.find('\n', at), text.size());
        continue;
      case '\n':
      case '=':
      case ',':
      case '[':
      case ']':
      case '{':
      case '}':
        dots = 0;
        break;
      case '.':
        if (++dots >= segments_max) return place_at(text, at);
        break;
      default:
        break;
    }
    ++at;
  }
  return std::nullopt;
}

}  // namespace holdfast::conf
