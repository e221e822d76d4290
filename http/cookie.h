#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::http {

/// The value of the first cookie called `name` in a Cookie field's value (RFC 6265 section 4.2, read leniently: quotes
/// are kept, odd pairs skipped). Names compare case-sensitively.
std::optional<std::string_view> find_cookie(std::string_view cookie_field, std::string_view name);

/// Appends `cookie_field` to `out` without any cookie called `name`; other bytes as they were. Appends nothing where
/// nothing is left.
void append_without_cookie(std::string& out, std::string_view cookie_field, std::string_view name);

/// What matters of a Set-Cookie field (RFC 6265 section 5.2).
struct SetCookie {
  std::string_view name;
  std::string_view value;
  bool expires_now = false;  ///< Max-Age <= 0, an Expires in the past, or an empty value with either: the app ends it.
};

/// nullopt when there is no name. `now_unix` (seconds) judges Expires; Max-Age wins over it.
std::optional<SetCookie> parse_set_cookie(std::string_view field, long long now_unix);

}  // namespace holdfast::http
