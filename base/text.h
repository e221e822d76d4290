#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace holdfast::base {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// ASCII only, as HTTP compares field names and hosts.
bool iequals(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
/// Without spaces and tabs at both ends (HTTP's OWS).
std::string_view trim(std::string_view text);
/// Decimal digits only, no sign, no spaces, no overflow; nullopt otherwise.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

std::string to_hex(std::span<const std::uint8_t> bytes);
/// RFC 4648 section 5, without padding.
std::string to_base64url(std::span<const std::uint8_t> bytes);
/// Strict: only the alphabet, no padding, no bits left over. The result holds exactly out.size() bytes or the response
/// is false.
bool from_base64url(std::string_view text, std::span<std::uint8_t> out);

/// "250ms" "2s" "30m" "1h" "7d"; a whole number and a unit, as in the configuration. nullopt when it is none.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact form in the same grammar ("90s", "2m").
std::string duration_text(Duration d);
/// "512", "64KiB", "8MiB", "1GiB" -> bytes. nullopt when it is none or does not fit 63 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

/// RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.123Z
std::string timestamp_text(WallTime t);

/// RFC 9110 section 5.6.7, IMF-fixdate: Sat, 31 Jan 2026 12:00:00 GMT
std::string http_date_text(WallTime t);

/// Levenshtein distance, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace holdfast::base
