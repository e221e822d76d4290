// A backend that was judged down because it says nothing at all: what becomes of the requests that wait on it.
#include <doctest/doctest.h>

#include "tests/proxy/proxy_fixture.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kPost = "POST /order HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("a hung backend: a safe request is answered elsewhere at once, any other ends with 504") {
  ProxyFixture f({.sticky = conf::StickyMode::Cookie});
  f.backend('b').responds_with(std::string(kOk));
  const FakePeer reader = f.client(kGet);
  const FakePeer writer = f.client(kPost);
  REQUIRE(f.in_flight('a') == 2);
  f.hangs('a');
  CHECK(reader.received_head("HTTP/1.1 200"));
  CHECK(f.backend('b').heads().at(0).find("X-Holdfast-Moved: from=a; reason=timeout") != std::string::npos);
  CHECK(writer.received_head("HTTP/1.1 504"));
  CHECK(f.in_flight('a') == 0);
  CHECK(f.backend('b').heads().size() == 1);
  CHECK(f.proxy().counters().backend[0].released.get() == 2);
  CHECK(f.backend('a').open_count() == 0);
}

TEST_CASE("its retries need no budget: it is not working on them") {
  ProxyFixture f({.budget = 0});
  f.backend('b').responds_with(std::string(kOk));
  std::vector<FakePeer> clients;
  clients.reserve(50);
  for (int i = 0; i < 50; ++i) clients.push_back(f.client(kGet));
  f.hangs('a');
  for (const FakePeer& client : clients) CHECK(client.received_head("HTTP/1.1 200"));
}

TEST_CASE("down, but it says so: what it is working on is left to it") {
  ProxyFixture f({});
  const FakePeer reader = f.client(kGet);
  f.set_state('a', health::State::Down);
  f.loop.advance(5s);
  CHECK(reader.received().empty());
  f.backend('a').sends(kOk);
  f.loop.run();
  CHECK(reader.received_head("HTTP/1.1 200"));
  CHECK(f.proxy().counters().backend[0].released.get() == 0);
}

TEST_CASE("with a grace it may still wait so long, and is forgiven when its backend answers") {
  ProxyFixture f({.grace = 3s});
  f.backend('b').responds_with(std::string(kOk));
  const FakePeer lucky = f.client(kGet);
  FakePeer far_end = f.backend('a').last();
  const FakePeer other = f.client(kPost);
  f.hangs('a');
  f.loop.advance(2s);
  far_end.sends(kOk);
  f.loop.run();
  CHECK(lucky.received_head("HTTP/1.1 200"));
  CHECK(other.received().empty());
  f.loop.advance(900ms);
  CHECK(other.received().empty());
  f.loop.advance(200ms);
  CHECK(other.received_head("HTTP/1.1 504"));
}

TEST_CASE("a request is freed once: where the next one hangs, too, the deadlines end it") {
  ProxyFixture f({.backends = 3});
  const FakePeer reader = f.client(kGet);
  f.hangs('a');
  REQUIRE(f.in_flight('b') == 1);
  f.hangs('b');
  CHECK(f.in_flight('b') == 1);
  CHECK(f.in_flight('c') == 0);
  f.loop.advance(61s);
  CHECK(reader.received_head("HTTP/1.1 504"));
  CHECK(f.in_flight('c') == 0);
}

TEST_CASE("a dial that hangs with its backend is given up") {
  ProxyFixture f({});
  f.backend('a').hangs();
  f.backend('b').responds_with(std::string(kOk));
  const FakePeer writer = f.client(kPost);
  CHECK(writer.received().empty());
  f.hangs('a');
  CHECK(writer.received_head("HTTP/1.1 200"));
  CHECK(f.net.dials_under_way() == 0);
}

TEST_CASE("a response under way is cut once nothing comes any more, not while it comes") {
  ProxyFixture f({});
  const FakePeer reader = f.client(kGet);
  f.backend('a').sends("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
  f.loop.run();
  f.loop.advance(5s);
  f.backend('a').sends("0123456789");
  f.loop.run();
  f.hangs('a');
  f.loop.advance(900ms);
  f.backend('a').sends("0123456789");
  f.loop.advance(900ms);
  CHECK(reader.is_open());
  f.loop.advance(200ms);
  CHECK_FALSE(reader.is_open());
  CHECK(f.proxy().counters().responses_cut.get() == 1);
}

TEST_CASE("a response that only the client keeps from its end is left alone") {
  ProxyFixture f({});
  FakePeer reader = f.client();
  reader.blocks_after(1000);
  reader.sends(kGet);
  f.loop.run();
  f.backend('a').sends("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  f.loop.run();
  f.loop.advance(5s);
  f.hangs('a');
  f.loop.advance(5s);
  REQUIRE(reader.is_open());
  reader.unblocks();
  f.loop.run();
  CHECK(reader.received().size() > 500'000);
}
