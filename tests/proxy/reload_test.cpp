// What a reload does to requests, connections and queues that are there already.
#include <doctest/doctest.h>

#include "conf/words.h"
#include "tests/proxy/proxy_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::tests;
using holdfast::tests::has;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("a request that fails after a reload is retried on a backend that the reload has brought") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  REQUIRE(f.backend('a').received_head("GET /cart"));
  f.backend('b').responds_with(std::string(kOk));
  f.reload([](conf::Settings& s) { s.backends.push_back(backend_called("b", 9001)); });
  f.backend('a').last().resets();
  f.loop.run();
  CHECK(client.received().starts_with("HTTP/1.1 200"));
  CHECK(f.backend('b').heads().size() == 1);
}

TEST_CASE("a request that waits for its backend finds it where the reload has put it") {
  ProxyFixture f({.backends = 2, .max_requests = 1});
  FakePeer first = f.client(kGet);
  f.set_state('b', health::State::Down);
  FakePeer waiting = f.client(kGet);
  CHECK(f.backend('a').dials() == 1);
  f.backend('c').responds_with(std::string(kOk));
  f.reload([](conf::Settings& s) { s.backends[1] = backend_called("c", 9002); });
  f.set_state('a', health::State::Down);
  f.backend('a').dies();
  f.loop.run();
  CHECK(waiting.received().starts_with("HTTP/1.1 200"));
  CHECK(first.received().starts_with("HTTP/1.1 200"));
}

TEST_CASE("a connection to where a backend was is not kept for where it is now") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  f.reload([](conf::Settings& s) { s.backends[0].address.port = 9001; });
  f.backend('b').responds_with(std::string(kOk));
  f.backend('a').sends(kOk);
  f.loop.run();
  CHECK(client.take().starts_with("HTTP/1.1 200"));  // what was under way ends where it began
  CHECK(f.backend('a').open_count() == 0);
  client.sends(kGet);
  f.loop.run();
  CHECK(client.received().starts_with("HTTP/1.1 200"));
  CHECK(f.backend('a').dials() == 1);
  CHECK(f.backend('b').dials() == 1);
}

TEST_CASE("old settings go with the last request that began with them") {
  ProxyFixture f({.backends = 2});
  FakePeer waits = f.client(kGet);
  FakePeer served = f.client(kGet);
  f.backend('a').last().sends(kOk);  // its exchange is spare now
  f.loop.run();
  REQUIRE(has(served.received(), "200 OK"));
  const std::weak_ptr<const conf::Settings> old = f.settings();
  f.reload([](conf::Settings&) {});
  CHECK_FALSE(old.expired());
  f.backend('b').responds_with(std::string(kOk));
  f.backend('a').dies();
  f.loop.run();
  CHECK(has(waits.received(), "200 OK"));
  CHECK(old.expired());
}

TEST_CASE("a connection to a backend that stays where it was is kept") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  client.sends(kGet);
  f.loop.run();
  f.reload([](conf::Settings& s) { s.pools[0].retry.attempts = 1; });
  client.sends(kGet);
  f.loop.run();
  CHECK(f.backend('a').heads().size() == 3);
  CHECK(f.backend('a').dials() == 1);
}

TEST_CASE("whom a live client's next request is believed is what the reload says") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client("GET /1 HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
  f.reload([](conf::Settings& s) { s.listens[0].trusted_proxies = {*conf::parse_cidr("127.0.0.0/8")}; });
  client.sends("GET /2 HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
  f.loop.run();
  REQUIRE(f.backend('a').heads().size() == 2);
  CHECK_FALSE(has(f.backend('a').heads()[0], "203.0.113.9"));
  CHECK(has(f.backend('a').heads()[1], "203.0.113.9"));
}

TEST_CASE("more places let in who waits") {
  ProxyFixture f({.backends = 1, .max_requests = 1});
  f.backend('a').stays_silent();
  FakePeer first = f.client(kGet);
  FakePeer second = f.client(kGet);
  FakePeer third = f.client(kGet);
  CHECK(f.backend('a').peers().size() == 1);
  f.reload([](conf::Settings& s) { s.backends[0].max_requests = 2; });
  CHECK(f.backend('a').peers().size() == 2);
  f.reload([](conf::Settings& s) { s.backends[0].max_requests = 0; });
  CHECK(f.backend('a').peers().size() == 3);
  for (FakePeer& peer : f.backend('a').peers()) peer.sends(kOk);
  f.loop.run();
  for (const FakePeer& client : {first, second, third}) CHECK(client.received().starts_with("HTTP/1.1 200"));
  CHECK(f.in_flight('a') == 0);
}
