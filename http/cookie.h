#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast::http {

/// The value of the first cookie called `name` in a Cookie field's value (RFC 6265 section 4.2, read leniently: quotes
/// are kept, odd pairs skipped). Names compare case-sensitively.
std::optional<std::string_view> find_cookie(std::string_view cookie_field, std::string_view name);

/// Where a cookie stands in its field: between two semicolons, or the field's ends.
struct CookiePlace {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view value;
};
/// Of the first cookie called `name`, from `from` on, where one begins.
std::optional<CookiePlace> place_of_cookie(std::string_view cookie_field, std::string_view name, std::size_t from = 0);

/// What a Cookie field's value is without any cookie called `name`: pieces to be written one after the other, with what
/// sets them apart, other bytes as they were.
class OtherCookies {
 public:
  OtherCookies(std::string_view cookie_field, std::string_view name)
      : field_(cookie_field), name_(name), hole_(place_of_cookie(cookie_field, name)) {}

  /// At first: something is left out, so the value has to be written again.
  bool is_changed() const { return hole_.has_value(); }
  /// False: that was all.
  bool next(std::string_view& piece);
  /// In the end: the pieces hold more than separators. Else nothing is left of the field.
  bool has_content() const { return has_content_; }

 private:
  std::string_view field_;
  std::string_view name_;
  std::optional<CookiePlace> hole_;  // the next one
  std::size_t at_ = 0;               // what was not given yet
  bool is_first_ = true;
  bool is_over_ = false;
  bool has_content_ = false;
};

/// What matters of a Set-Cookie field (RFC 6265 section 5.2).
struct SetCookie {
  std::string_view name;
  std::string_view value;
  bool expires_now = false;  ///< Max-Age <= 0, an Expires in the past, or an empty value with either: the app ends it.
};

/// How a cookie may be sent, as its attributes say (RFC 6265bis).
struct CookieStyle {
  std::string_view same_site = {};  ///< As written; empty: not said.
  bool is_secure = false;
  bool is_partitioned = false;
};
CookieStyle parse_cookie_style(std::string_view field);

/// nullopt when there is no name. `now_unix` (seconds) judges Expires; Max-Age wins over it.
std::optional<SetCookie> parse_set_cookie(std::string_view field, long long now_unix);

}  // namespace holdfast::http
