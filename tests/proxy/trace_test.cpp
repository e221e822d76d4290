#include "proxy/trace.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <set>
#include <string>
#include <string_view>

using namespace holdfast;

TEST_CASE("a number is written as its hex digits") {
  for (const std::uint64_t number : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x0123456789abcdef},
                                     std::uint64_t{0xfedcba9876543210}, std::uint64_t{0xa09f}}) {
    std::array<char, 16> digits{};
    proxy::write_hex(number, digits.data());
    CHECK(std::string_view(digits.data(), digits.size()) == fmt::format("{:016x}", number));
  }
}

TEST_CASE("names for requests: of their form, and all different") {
  base::Random random(7);
  proxy::TraceNames names;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id(names.request_id(random));
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(proxy::is_request_id(id));
    CHECK(seen.insert(id).second);
    const std::string parent(names.traceparent(random));
    REQUIRE(parent.size() == 55);
    CHECK(parent.substr(0, 3) == "00-");
    CHECK(parent[35] == '-');
    CHECK(parent.substr(52) == "-01");
    CHECK(parent.substr(3, 32).find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(parent.substr(36, 16).find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(seen.insert(parent.substr(3, 32)).second);
  }
}
