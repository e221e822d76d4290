#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "conf/settings.h"

/// The small grammars inside text values. Each returns the value, or an Error whose text says what is wrong
/// with it (never what was expected: the key's type says that). Pure; no name is resolved.
namespace holdfast::conf {

/// "host:port", "192.0.2.1:80", "[::1]:80". Host names as RFC 1123 section 2.1, with "_" allowed; lower-cased.
/// `port_min` is 0 for listeners, where 0 lets the system pick a port.
base::Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t port_min);
/// "10.0.0.0/8", "::1/128", or one address. Bits beyond the prefix are an error: the writer meant something else.
base::Result<Cidr> parse_cidr(std::string_view text);
/// A route's host, lower-cased: a name, "*.name", or an address (IPv6 with or without brackets, kept without).
base::Result<std::string> parse_host_pattern(std::string_view text);
/// The value of a probe's Host field: a host with or without a port.
base::Result<std::string> parse_host_field(std::string_view text);

/// 127.0.0.0/8, ::1, "localhost": what no other machine can reach.
bool is_loopback(std::string_view host);

/// A pool's or backend's name: 1 to 64 of A-Z a-z 0-9 _ . -
base::Result<std::string> parse_name(std::string_view text);
/// RFC 9110 section 5.6.2: names of fields, of methods, and of cookies (RFC 6265 section 4.1.1).
base::Result<std::string> parse_token(std::string_view text);
/// RFC 9110 section 5.5, without obs-text: visible ASCII, with spaces and tabs inside.
base::Result<std::string> parse_field_value(std::string_view text);
/// A route's path prefix: begins with "/", visible ASCII, no query, no "." or ".." segment (they never arrive).
base::Result<std::string> parse_path_prefix(std::string_view text);
/// A probe's request target in origin form (RFC 9112 section 3.2.1): a path, perhaps with a query.
base::Result<std::string> parse_target(std::string_view text);
/// A redirect's target: an absolute http(s) URL or a path, with "{host}" "{path}" "{query}".
base::Result<std::string> parse_redirect(std::string_view text);
/// A path in the file system.
base::Result<std::string> parse_file_path(std::string_view text);
/// A probe's method: a token in capitals, but not CONNECT or TRACE.
base::Result<std::string> parse_method(std::string_view text);
/// RFC 6901.
base::Result<std::string> parse_json_pointer(std::string_view text);

/// "200-299,401" -> ranges within 200 to 999.
base::Result<std::vector<StatusRange>> parse_status_ranges(std::string_view text);
std::string status_ranges_text(const std::vector<StatusRange>& ranges);

}  // namespace holdfast::conf
