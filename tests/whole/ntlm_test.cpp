// A backend connection that carried NTLM or Negotiate belongs to one client connection.

#include <doctest/doctest.h>

#include <set>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

std::set<int> connections_of(Fleet& fleet, std::string_view id) {
  std::set<int> numbers;
  for (const Arrival& arrival : fleet["a"].arrivals()) {
    if (arrival.id == id) numbers.insert(arrival.connection);
  }
  return numbers;
}

}  // namespace

TEST_CASE("an authenticated connection is never lent to somebody else") {
  for (const std::string scheme : {"NTLM", "Negotiate"}) {
    CAPTURE(scheme);
    Fleet fleet({"a"});
    fleet.on("*", [&](Conversation& c) {
      c.read_body();
      if (c.arrival().id == "alice" && !c.arrival().head.field("Authorization") && c.arrival().target == "/hello") {
        c.respond(401, "who?", "WWW-Authenticate: " + scheme + "\r\n");
      } else {
        c.respond(200, "page");
      }
    });
    Proxy proxy({.backends = fleet.configs(), .workers = 1});
    HttpClient alice = proxy.client();
    HttpClient bob = proxy.client();
    const auto bob_asks = [&](const std::string& id) { return bob.get("/", {{"X-Test-Id", id}}).is_whole(200); };
    REQUIRE(bob_asks("bob-before"));
    CHECK(alice.get("/hello", {{"X-Test-Id", "alice"}}).is_whole(401));
    REQUIRE(bob_asks("bob-before"));
    CHECK(alice.get("/", {{"X-Test-Id", "alice-in"}, {"Authorization", scheme + " TlRMTVNTUAAB"}}).is_whole(200));
    for (int i = 0; i < 5; ++i) {
      REQUIRE(bob_asks("bob"));
      CHECK(alice.get("/", {{"X-Test-Id", "alice-in"}}).is_whole(200));
    }
    const auto hers = connections_of(fleet, "alice-in");
    CHECK(hers.size() == 1);
    alice.close();
    for (int i = 0; i < 5; ++i) REQUIRE(proxy.client().get("/", {{"X-Test-Id", "bob"}}).is_whole(200));
    for (const int number : connections_of(fleet, "bob")) CHECK(hers.count(number) == 0);
  }
}
