#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// The loops that touch every byte of a head. Each finds the first byte that does not belong, or `end`.
///
/// On x86-64 they look at 16 bytes at a time (SSE2 is part of that architecture's base); `portable` holds the plain
/// versions, used elsewhere and for the last bytes, and compared with the fast ones by a test.
namespace holdfast::http::scan {

namespace detail {
inline constexpr std::uint8_t kToken = 1;   // RFC 9110 section 5.6.2, tchar
inline constexpr std::uint8_t kValue = 2;   // RFC 9110 section 5.5: VCHAR, obs-text, space, tab
inline constexpr std::uint8_t kTarget = 4;  // visible ASCII but '#': what may stand in a request target
inline constexpr std::uint8_t kMark = 16;   // what may give a path a second reading: slash, backslash, '%', ';'
inline constexpr std::uint8_t kName = 8;    // letters, digits, '-', '_': what labels of host names are made of

inline constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool digit = c >= '0' && c <= '9';
    const bool mark = std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
    std::uint8_t bits = 0;
    if (c < 0x80 && (letter || digit || mark)) bits |= kToken;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') bits |= kValue;
    if (c > 0x20 && c < 0x7f && c != '#') bits |= kTarget;
    if (c < 0x80 && (letter || digit || c == '-' || c == '_')) bits |= kName;
    if (c == '/' || c == '\\' || c == '%' || c == ';') bits |= kMark;
    table[c] = bits;
  }
  return table;
}();
constexpr bool has(char c, std::uint8_t bit) { return (kClass[static_cast<std::uint8_t>(c)] & bit) != 0; }
}  // namespace detail

constexpr bool is_token_char(char c) { return detail::has(c, detail::kToken); }
constexpr bool is_value_char(char c) { return detail::has(c, detail::kValue); }
constexpr bool is_target_char(char c) { return detail::has(c, detail::kTarget); }
constexpr bool is_name_char(char c) { return detail::has(c, detail::kName); }
constexpr bool is_path_mark(char c) { return detail::has(c, detail::kMark); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// 0..15, or -1.
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
/// One or more token characters and nothing else.
bool is_token(std::string_view text);

const char* token_end(const char* begin, const char* end);
const char* value_end(const char* begin, const char* end);
const char* target_end(const char* begin, const char* end);

namespace portable {
const char* token_end(const char* begin, const char* end);
const char* value_end(const char* begin, const char* end);
const char* target_end(const char* begin, const char* end);
}  // namespace portable

}  // namespace holdfast::http::scan
