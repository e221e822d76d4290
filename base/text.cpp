#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace holdfast::base {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kDurations[] = {{"ms", 1'000'000},        {"us", 1'000},
                               {"s", 1'000'000'000},     {"m", 60'000'000'000},
                               {"h", 3'600'000'000'000}, {"d", 86'400'000'000'000}};
constexpr Unit kSizes[] = {{"", 1}, {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
constexpr std::uint64_t kScaledMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::optional<std::uint64_t> parse_scaled(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_decimal(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    if (*number > kScaledMax / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::array<std::int8_t, 256> kBase64UrlValue = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 64; ++i) table[static_cast<std::uint8_t>(kBase64Url[i])] = static_cast<std::int8_t>(i);
  return table;
}();

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  // A plain loop: find_first_not_of with a set of two costs several times as much, and this runs for every field.
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  constexpr std::size_t kSafeDigits = 19;  // as many nines fit 64 bits; whether more do has to be looked at
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(text[i] - '0');
    if (i >= kSafeDigits && value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t b : bytes) {
    bits = (bits << 8) | b;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += kBase64Url[(bits >> held) & 63];
    }
  }
  if (held > 0) out += kBase64Url[(bits << (6 - held)) & 63];
  return out;
}

bool from_base64url(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != (out.size() * 4 + 2) / 3) return false;
  const auto value = [&](std::size_t at) -> std::int32_t {
    return kBase64UrlValue[static_cast<std::uint8_t>(text[at])];
  };
  std::size_t at = 0;
  std::size_t written = 0;
  std::int32_t all = 0;  // negative as soon as one of them is
  for (; at + 4 <= text.size(); at += 4, written += 3) {
    const std::int32_t a = value(at), b = value(at + 1), c = value(at + 2), d = value(at + 3);
    all |= a | b | c | d;
    const auto word = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d);
    out[written] = static_cast<std::uint8_t>(word >> 16);
    out[written + 1] = static_cast<std::uint8_t>(word >> 8);
    out[written + 2] = static_cast<std::uint8_t>(word);
  }
  if (all < 0) return false;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (; at < text.size(); ++at) {
    if (value(at) < 0) return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(value(at));
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[written++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

std::optional<Duration> parse_duration(std::string_view text) {
  const auto ns = parse_scaled(text, kDurations);
  if (!ns) return std::nullopt;
  return Duration{static_cast<std::int64_t>(*ns)};
}

std::string duration_text(Duration d) {
  const auto ns = static_cast<std::uint64_t>(d.count());
  std::string_view best = "us";
  std::uint64_t factor = 1'000;
  for (const Unit& unit : kDurations) {
    if (unit.factor > factor && ns % unit.factor == 0 && ns != 0) {
      best = unit.name;
      factor = unit.factor;
    }
  }
  if (ns == 0) return "0s";
  return fmt::format("{}{}", ns / factor, best);
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return parse_scaled(text, kSizes); }

std::string size_text(std::uint64_t bytes) {
  for (std::size_t i = std::size(kSizes) - 1; i > 1; --i) {
    if (bytes != 0 && bytes % kSizes[i].factor == 0)
      return fmt::format("{}{}", bytes / kSizes[i].factor, kSizes[i].name);
  }
  return fmt::format("{}", bytes);
}

std::string timestamp_text(WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string http_date_text(WallTime t) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(t - day)};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace holdfast::base
