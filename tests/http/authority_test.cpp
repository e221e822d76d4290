#include "http/authority.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::http;

TEST_CASE("authorities taken apart") {
  struct Row {
    std::string text;
    std::string host;
    std::uint16_t port;
  };
  const Row rows[] = {
      {"shop", "shop", 0},
      {"shop:", "shop", 0},
      {"Shop.Example.:8080", "Shop.Example.", 8080},
      {"my_shop-1.example:65535", "my_shop-1.example", 65535},
      {"192.0.2.1:00080", "192.0.2.1", 80},
      {"[2001:db8::1]", "2001:db8::1", 0},
      {"[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1},
      {std::string(255, 'a'), std::string(255, 'a'), 0},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto got = parse_authority(row.text);
    REQUIRE(got.has_value());
    CHECK(got->host == row.host);
    CHECK(got->port == row.port);
  }
}

TEST_CASE("odd authorities are refused") {
  const std::string rows[] = {"",
                              ".",
                              "..",
                              ".a",
                              "a..b",
                              "a..",
                              ":80",
                              "a:b",
                              "a:0",
                              "a:65536",
                              "a:000080",
                              "a:+1",
                              "a: 1",
                              "a b",
                              "a,b",
                              "a%62",
                              "a/b",
                              "a?b",
                              "u@a",
                              "a\\b",
                              "[",
                              "[]",
                              "[::1",
                              "[::1]]",
                              "[::1]a",
                              "[::g]",
                              "[1.2.3.4]",
                              "[::1%25lo]",
                              "[v1.a]",
                              "::1",
                              "*.a",
                              "a(b)",
                              std::string(256, 'a'),
                              std::string("a\0b", 3)};
  for (const std::string& text : rows) {
    INFO(text);
    CHECK_FALSE(parse_authority(text).has_value());
  }
}
