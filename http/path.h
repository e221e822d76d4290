#pragma once

#include <string>
#include <string_view>

/// What a path means, for rules that match by path prefix. The path itself is forwarded as it came.
///
/// Backends differ in how they read "/a/../b", "/a%2fb" or "/a;x/b". Spellings on which the readings differ in ways no
/// rule could cover are refused with the head (path_fault). What is left has one or two readings:
/// `normalised_path` says what a backend that resolves dot segments serves, `unresolved_path` what another one does.
/// An allowing rule matches the first; a rule that denies must be tried on both.
namespace holdfast::http {

/// Nothing to normalise: both readings are the path itself. The common case; no allocation follows.
bool is_plain_path(std::string_view path);

/// Why a path that begins with '/' is refused; nullptr if it is not. Refused are broken percent-escapes, "%00", a raw
/// backslash, dot segments that are percent-encoded or carry a parameter ("..;x", which Tomcat takes for ".."), and
/// ".." that climbs above the root or stands in one path with an encoded slash or an empty segment.
const char* path_fault(std::string_view path);

/// RFC 3986 section 6.2.2 for a path without a fault: unreserved characters are decoded (and are decoded once only),
/// other escapes are in upper case, dot segments are removed. Also, for matching only: encoded slashes and
/// backslashes count as slashes, repeated slashes as one, parameters (";x") are left out.
std::string normalised_path(std::string_view path);

/// The same with its dot segments left in. Differs from normalised_path only where there are some.
std::string unresolved_path(std::string_view path);

}  // namespace holdfast::http
