#pragma once

#include <optional>
#include <string_view>

namespace holdfast::http {

/// The date of a cookie's Expires attribute, in seconds since 1970, as browsers read it (RFC 6265 section 5.1.1): any
/// order of time, day, month and year, time zones ignored. nullopt when one of them is missing or out of range.
std::optional<long long> parse_cookie_date(std::string_view text);

}  // namespace holdfast::http
