#include "http/cookie_date.h"

#include <array>
#include <chrono>

#include "base/text.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr bool is_delimiter(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) || (u >= 0x5b && u <= 0x60) ||
         (u >= 0x7b && u <= 0x7e);
}

/// A number of digits_min to digits_max digits at the start of `text`, which it takes off. A further digit: none.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits_min, std::size_t digits_max) {
  std::size_t n = 0;
  unsigned value = 0;
  for (; n < text.size() && scan::is_digit(text[n]); ++n) {
    if (n == digits_max) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[n] - '0');
  }
  if (n < digits_min) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

/// What has been found of the four productions; each is filled once, by the first token that fits.
struct DateParts {
  std::optional<unsigned> seconds;  // since midnight
  std::optional<unsigned> day;
  std::optional<unsigned> month;
  std::optional<unsigned> year;
  bool is_time_valid = true;
};

bool take_time(std::string_view token, DateParts& parts) {
  std::array<unsigned, 3> hms{};
  for (std::size_t i = 0; i < hms.size(); ++i) {
    if (i > 0) {
      if (token.empty() || token.front() != ':') return false;
      token.remove_prefix(1);
    }
    const auto number = take_number(token, 1, 2);
    if (!number) return false;
    hms[i] = *number;
  }
  parts.is_time_valid = hms[0] <= 23 && hms[1] <= 59 && hms[2] <= 59;
  parts.seconds = hms[0] * 3600 + hms[1] * 60 + hms[2];
  return true;
}

std::optional<unsigned> month_of(std::string_view token) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.size() < 3) return std::nullopt;
  for (unsigned i = 0; i < 12; ++i) {
    if (base::iequals(token.substr(0, 3), kMonths.substr(std::size_t{i} * 3, 3))) return i + 1;
  }
  return std::nullopt;
}

std::optional<unsigned> year_of(std::string_view token) {
  auto year = take_number(token, 2, 4);
  if (!year) return std::nullopt;
  if (*year >= 70 && *year <= 99) return *year + 1900;
  return *year <= 69 ? *year + 2000 : *year;
}

// The RFC's order of trials matters: "10" is a day first, then a year.
void take_token(std::string_view token, DateParts& parts) {
  if (!parts.seconds && take_time(token, parts)) return;
  std::string_view rest = token;
  if (!parts.day && (parts.day = take_number(rest, 1, 2))) return;
  if (!parts.month && (parts.month = month_of(token))) return;
  if (!parts.year) parts.year = year_of(token);
}

}  // namespace

std::optional<long long> parse_cookie_date(std::string_view text) {
  DateParts parts;
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_delimiter(text[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    while (i < text.size() && !is_delimiter(text[i])) ++i;
    take_token(text.substr(start, i - start), parts);
  }
  if (!parts.seconds || !parts.day || !parts.month || !parts.year) return std::nullopt;
  if (!parts.is_time_valid || *parts.year < 1601) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*parts.year)},
                                         std::chrono::month{*parts.month}, std::chrono::day{*parts.day}};
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_seconds at = std::chrono::sys_days{date} + std::chrono::seconds{*parts.seconds};
  return at.time_since_epoch().count();
}

}  // namespace holdfast::http
