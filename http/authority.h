#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::http {

/// "host[:port]" taken apart. A view into what was parsed.
struct Authority {
  std::string_view host;   ///< Without brackets.
  std::uint16_t port = 0;  ///< 0: none was given (also "host:").
};

/// Strict, narrower than RFC 3986 section 3.2: a name of letters, digits, '-' and '_' in non-empty labels (one final
/// dot may follow), an IPv4 address (a name, too), or an IPv6 address in brackets; ports are 1..65535. No userinfo, no
/// percent-encoding, no zone, at most 255 characters.
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace holdfast::http
