#include "base/text.h"

#include <doctest/doctest.h>

#include <array>

using namespace holdfast::base;

TEST_CASE("durations: a whole number and a unit, nothing else") {
  struct Row {
    const char* text;
    std::int64_t ms;
  };
  for (const Row& row : {Row{"250ms", 250}, Row{"2s", 2000}, Row{"30m", 1'800'000}, Row{"1h", 3'600'000},
                         Row{"7d", 604'800'000}, Row{"0s", 0}}) {
    INFO(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_value());
    CHECK(count_ms(*parsed) == row.ms);
    CHECK(parse_duration(duration_text(*parsed)) == parsed);
  }
  for (const char* text : {"", "2", "s", "-1s", "1.5s", "2 s", "2sec", "99999999999999999999s", "9999999999h"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("sizes: bytes or binary units, exact both ways") {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  for (const Row& row :
       {Row{"0", 0}, Row{"512", 512}, Row{"64KiB", 65536}, Row{"8MiB", 8u << 20}, Row{"1GiB", 1u << 30}}) {
    INFO(row.text);
    REQUIRE(parse_size(row.text) == row.bytes);
    CHECK(parse_size(size_text(row.bytes)) == row.bytes);
  }
  for (const char* text : {"", "KiB", "1kb", "1 KiB", "-1", "99999999999GiB"})
    CHECK_FALSE(parse_size(text).has_value());
}

TEST_CASE("base64url: strict, and back") {
  for (std::size_t n = 0; n <= 32; ++n) {
    std::array<std::uint8_t, 32> in{}, out{};
    for (std::size_t i = 0; i < n; ++i) in[i] = static_cast<std::uint8_t>(i * 37 + n);
    const std::string text = to_base64url(std::span(in).first(n));
    REQUIRE(from_base64url(text, std::span(out).first(n)));
    CHECK(std::equal(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n), out.begin()));
    CHECK_FALSE(from_base64url(text + "A", std::span(out).first(n)));
  }
  std::array<std::uint8_t, 1> one{};
  CHECK(from_base64url("AA", one));
  CHECK_FALSE(from_base64url("AB", one));  // bits left over
  CHECK_FALSE(from_base64url("A=", one));
  CHECK_FALSE(from_base64url("A+", one));
}

TEST_CASE("timestamps are RFC 3339 in UTC") {
  CHECK(timestamp_text(WallTime{std::chrono::milliseconds{1'769'860'800'123}}) == "2026-01-31T12:00:00.123Z");
}

TEST_CASE("dates of HTTP are IMF-fixdate") {
  CHECK(http_date_text(WallTime{std::chrono::milliseconds{1'769'860'800'999}}) == "Sat, 31 Jan 2026 12:00:00 GMT");
  CHECK(http_date_text(WallTime{std::chrono::milliseconds{784'111'777'000}}) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date_text(WallTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date_text(WallTime{std::chrono::seconds{1'709'208'000}}) == "Thu, 29 Feb 2024 12:00:00 GMT");
}

TEST_CASE("trim takes spaces and tabs off both ends") {
  CHECK(trim(" \t a b\t ") == "a b");
  CHECK(trim(" \t").empty());
  CHECK(trim("").empty());
}

TEST_CASE("decimal: no sign, no space, no overflow") {
  CHECK(parse_decimal("18446744073709551615") == 18446744073709551615u);
  for (const char* text : {"", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"}) CHECK_FALSE(parse_decimal(text));
}

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("adress", "address") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}
