#include "http/cookie.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "http/cookie_date.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

/// Takes the piece up to the next ';' off `rest`; `more` says whether another one follows.
std::string_view take_piece(std::string_view& rest, bool& more) {
  const std::size_t semicolon = rest.find(';');
  const std::string_view piece = rest.substr(0, semicolon);
  more = semicolon != std::string_view::npos;
  rest.remove_prefix(more ? semicolon + 1 : rest.size());
  return piece;
}

struct Pair {
  std::string_view name;
  std::string_view value;
  bool has_equals = false;
};

Pair split_pair(std::string_view piece) {
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos) return {base::trim(piece), {}, false};
  return {base::trim(piece.substr(0, equals)), base::trim(piece.substr(equals + 1)), true};
}

bool is_blank(std::string_view text) { return std::all_of(text.begin(), text.end(), scan::is_blank); }

/// RFC 6265 section 5.2.2: seconds, clamped; nullopt where the attribute is to be ignored.
std::optional<long long> parse_max_age(std::string_view text) {
  const bool is_negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(is_negative ? 1 : 0);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), scan::is_digit)) return std::nullopt;
  if (is_negative) return -1;  // "-0" too: both mean at once
  const auto seconds = base::parse_decimal(digits);
  constexpr auto kMax = std::numeric_limits<long long>::max();
  return seconds && *seconds <= static_cast<std::uint64_t>(kMax) ? static_cast<long long>(*seconds) : kMax;
}

/// What the attributes say about the cookie's end. Of several of one name the last counts (RFC 6265 section 5.3).
struct Lifetime {
  bool is_stated = false;
  std::optional<long long> max_age;
  std::optional<long long> expires;
};

Lifetime parse_lifetime(std::string_view attributes) {
  Lifetime lifetime;
  bool more = !attributes.empty();
  while (more) {
    const Pair attribute = split_pair(take_piece(attributes, more));
    const bool is_max_age = base::iequals(attribute.name, "max-age");
    if (!is_max_age && !base::iequals(attribute.name, "expires")) continue;
    lifetime.is_stated = true;
    if (is_max_age) {
      if (const auto seconds = parse_max_age(attribute.value)) lifetime.max_age = seconds;
    } else if (const auto date = parse_cookie_date(attribute.value)) {
      lifetime.expires = date;
    }
  }
  return lifetime;
}

}  // namespace

std::optional<std::string_view> find_cookie(std::string_view cookie_field, std::string_view name) {
  const auto place = place_of_cookie(cookie_field, name);
  return place ? std::optional(place->value) : std::nullopt;
}

// The name is looked for first, and then whether a cookie is called so: most fields are long, and most of their cookies
// are others.
std::optional<CookiePlace> place_of_cookie(std::string_view cookie_field, std::string_view name, std::size_t from) {
  while (from <= cookie_field.size()) {
    const std::size_t hit = cookie_field.find(name, from);
    if (hit == std::string_view::npos) break;
    const std::size_t before = cookie_field.substr(from, hit - from).rfind(';');
    const std::size_t begin = before == std::string_view::npos ? from : from + before + 1;
    const std::size_t end = std::min(cookie_field.find(';', hit), cookie_field.size());
    std::string_view rest = cookie_field.substr(0, end).substr(hit + name.size());
    while (!rest.empty() && scan::is_blank(rest.front())) rest.remove_prefix(1);
    // As split_pair reads it: called so is what has the name alone before its first '='.
    if (rest.starts_with('=') && is_blank(cookie_field.substr(begin, hit - begin))) {
      return CookiePlace{begin, end, base::trim(rest.substr(1))};
    }
    from = end + 1;
  }
  return std::nullopt;
}

bool OtherCookies::next(std::string_view& piece) {
  while (!is_over_) {
    // Up to the hole without the semicolon before it; what follows a hole begins with its own.
    const std::size_t begin = at_;
    const std::size_t end = hole_ ? hole_->begin : field_.size() + 1;
    const bool has_cookies = begin < end && !(begin + 1 == end && begin > 0);
    at_ = hole_ ? hole_->end : field_.size();
    is_over_ = !hole_ || at_ == field_.size();
    if (hole_ && !is_over_) hole_ = place_of_cookie(field_, name_, at_ + 1);
    if (!has_cookies) continue;
    piece = field_.substr(begin, end - 1 - begin);
    if (std::exchange(is_first_, false)) {
      // What moves to the front leaves behind what had set it apart.
      if (begin > 0) piece.remove_prefix(1);
      piece.remove_prefix(std::min(piece.find_first_not_of(" \t"), piece.size()));
    }
    has_content_ = has_content_ || piece.find_first_not_of("; \t") != std::string_view::npos;
    return true;
  }
  return false;
}

CookieStyle parse_cookie_style(std::string_view field) {
  CookieStyle style;
  bool more = false;
  take_piece(field, more);
  while (more) {
    const Pair attribute = split_pair(take_piece(field, more));
    if (base::iequals(attribute.name, "samesite")) style.same_site = attribute.value;
    style.is_secure = style.is_secure || base::iequals(attribute.name, "secure");
    style.is_partitioned = style.is_partitioned || base::iequals(attribute.name, "partitioned");
  }
  return style;
}

std::optional<SetCookie> parse_set_cookie(std::string_view field, long long now_unix) {
  bool more = false;
  const Pair pair = split_pair(take_piece(field, more));
  if (!pair.has_equals || pair.name.empty()) return std::nullopt;
  const Lifetime lifetime = parse_lifetime(field);
  SetCookie cookie{pair.name, pair.value, false};
  if (lifetime.max_age) {
    cookie.expires_now = *lifetime.max_age <= 0;
  } else if (lifetime.expires) {
    cookie.expires_now = *lifetime.expires <= now_unix;
  }
  const bool is_empty = cookie.value.empty() || cookie.value == "\"\"";
  cookie.expires_now |= lifetime.is_stated && is_empty;
  return cookie;
}

}  // namespace holdfast::http
