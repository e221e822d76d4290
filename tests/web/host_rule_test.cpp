#include "web/host_rule.h"

#include <doctest/doctest.h>

using namespace holdfast;
using web::HostRule;

TEST_CASE("a listener on loopback answers only to names of its own machine") {
  const HostRule rule(*net::resolve({"127.0.0.1", 8081}), "lb1.internal");
  struct Row {
    const char* host;
    bool accepted;
  };
  const Row rows[] = {{"127.0.0.1", true},
                      {"127.8.9.1", true},
                      {"::1", true},
                      {"localhost", true},
                      {"LocalHost", true},
                      {"lb1.internal", true},
                      {"LB1.Internal", true},
                      {"", true},
                      {"evil.example", false},
                      {"localhost.evil.example", false},
                      {"127.0.0.1.evil.example", false},
                      {"10.0.0.1", false},
                      {"128.0.0.1", false},
                      {"::ffff:127.0.0.1", true},
                      {"::2", false},
                      {"0.0.0.0", false},
                      {"127.1", false},
                      {"2130706433", false},
                      {"localhost.", false}};
  for (const Row& row : rows) {
    INFO(std::string(row.host));
    CHECK(rule.accepts(row.host) == row.accepted);
  }
}

TEST_CASE("IPv6 loopback is loopback; a listener for others checks nothing") {
  CHECK_FALSE(HostRule(*net::resolve({"::1", 8081}), "::1").accepts("evil.example"));
  CHECK(HostRule(*net::resolve({"0.0.0.0", 8081}), "0.0.0.0").accepts("lb1.example"));
  CHECK(HostRule(*net::resolve({"10.0.0.1", 8081}), "10.0.0.1").accepts("lb1.example"));
}
