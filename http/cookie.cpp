#include "http/cookie.h"

#include <algorithm>
#include <limits>

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

/// What follows the '=' where `piece` is a cookie called `name`. As split_pair reads it, but pieces of other names cost
/// next to nothing: this runs over all cookies of every request.
std::optional<std::string_view> value_if_called(std::string_view piece, std::string_view name) {
  while (!piece.empty() && scan::is_blank(piece.front())) piece.remove_prefix(1);
  if (!piece.starts_with(name)) return std::nullopt;
  piece.remove_prefix(name.size());
  while (!piece.empty() && scan::is_blank(piece.front())) piece.remove_prefix(1);
  if (piece.empty() || piece.front() != '=') return std::nullopt;
  return base::trim(piece.substr(1));
}

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
  bool more = true;
  while (more) {
    if (const auto value = value_if_called(take_piece(cookie_field, more), name)) return value;
  }
  return std::nullopt;
}

void append_without_cookie(std::string& out, std::string_view cookie_field, std::string_view name) {
  const std::size_t start = out.size();
  bool has_content = false;
  bool is_first = true;
  bool more = true;
  while (more) {
    const std::string_view piece = take_piece(cookie_field, more);
    if (value_if_called(piece, name)) continue;
    const std::string_view trimmed = base::trim(piece);
    has_content |= !trimmed.empty();
    if (!is_first) out += ';';
    // What moves to the front leaves the space behind that had set it apart.
    const std::size_t blanks = is_first ? std::min(piece.find_first_not_of(" \t"), piece.size()) : 0;
    out += piece.substr(blanks);
    is_first = false;
  }
  if (!has_content) out.resize(start);
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
