// What went wrong once, or would have: each of these was found by reading or by attack.
#include <doctest/doctest.h>

#include "tests/proxy/later_store.h"
#include "tests/proxy/proxy_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::tests;
using holdfast::tests::has;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string cookie_of(const std::string& response) {
  const std::size_t at = response.find("holdfast=");
  return at == std::string::npos ? std::string() : response.substr(at, response.find(';', at) - at);
}

std::string get_with(const std::string& cookie) {
  return "GET / HTTP/1.1\r\nHost: shop\r\nCookie: " + cookie + "\r\n\r\n";
}

}  // namespace

TEST_CASE("an early answer that the client takes slowly, while it goes on sending") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client();
  client.blocks_after(1000);
  client.sends("POST /up HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000\r\n\r\n");
  f.loop.run();
  f.backend('a').sends("HTTP/1.1 403 Forbidden\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
  f.loop.run();
  client.sends(std::string(5000, 'y'));  // the backend has nothing more to do with it
  f.loop.run();
  CHECK(f.in_flight('a') == (f.backend('a').open_count() == 0 ? 0 : 1));
  client.unblocks();
  f.loop.run();
  CHECK(client.received().size() > 300'000);
  CHECK(has(client.received(), "Connection: close"));
}

TEST_CASE("a pipeline of refused requests that takes no responses gets no further ones") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client();
  client.blocks_after(0);
  std::string pipeline;
  for (int i = 0; i < 500; ++i)
    pipeline += "GET / HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n";
  f.set_state('a', health::State::Down);  // each would be answered by us, with 503
  client.sends(pipeline);
  f.loop.run();
  CHECK(f.proxy().counters().requests.get() == 1);
  client.unblocks();
  f.loop.run();
  CHECK(count(client.received(), "HTTP/1.1 503") == 500);

  FakePeer deaf = f.client();
  deaf.blocks_after(0);
  deaf.sends(pipeline);
  f.loop.advance(61s);
  CHECK_FALSE(deaf.is_open());
}

TEST_CASE("the process's own want of descriptors is nobody's failure and moves nobody") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  f.backend('b').responds_with(std::string(kOk));
  FakePeer first = f.client(kGet);
  const std::string cookie = cookie_of(first.take());
  f.backend('a').last().closes();
  f.loop.run();
  f.backend('a').fails_with(base::ErrorCode::Overload);
  FakePeer client = f.client(get_with(cookie));
  CHECK(has(client.received(), "HTTP/1.1 503"));
  CHECK(f.failures.empty());
  CHECK(f.backend('b').dials() == 0);
  f.backend('a').accepts();
  FakePeer later = f.client(get_with(cookie));
  CHECK(has(later.received(), "200 OK"));
  CHECK(f.backend('a').heads().size() == 2);
}

TEST_CASE("parallel requests of one session count its move once, and agree") {
  ProxyFixture f({.backends = 3, .sticky = conf::StickyMode::Cookie});
  for (const char name : {'a', 'b', 'c'}) f.backend(name).responds_with(std::string(kOk));
  FakePeer first = f.client(kGet);
  const std::string cookie = cookie_of(first.take());
  f.backend('a').dies();
  f.loop.run();
  std::vector<FakePeer> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(f.client());
    clients.back().sends(get_with(cookie));
  }
  f.loop.run();
  for (FakePeer& client : clients) CHECK(has(client.received(), "200 OK"));
  CHECK(f.backend('b').heads().size() == 6);
  CHECK(f.proxy().counters().backend[0].moved_away.get() == 1);
}

TEST_CASE("the app is told of the move, the client is not") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  f.backend('b').responds_with(std::string(kOk));
  FakePeer first = f.client(kGet);
  const std::string cookie = cookie_of(first.take());
  f.set_state('a', health::State::Down);
  FakePeer client = f.client(get_with(cookie));
  REQUIRE(f.backend('b').heads().size() == 1);
  CHECK(has(f.backend('b').heads()[0], "X-Holdfast-Moved: from=a; reason=down\r\n\r\n"));
  CHECK_FALSE(has(client.received(), "X-Holdfast"));
  client.sends(get_with(cookie));
  f.loop.run();
  CHECK_FALSE(has(f.backend('b').heads()[1], "X-Holdfast"));
}

TEST_CASE("a new user whose first backend refuses belongs to the one that served, whatever the failover mode") {
  for (const auto mode : {conf::FailoverMode::Refuse, conf::FailoverMode::Temporary}) {
    ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie, .failover = mode});
    f.backend('a').refuses();
    f.backend('b').responds_with(std::string(kOk));
    FakePeer client = f.client(kGet);
    const std::string response = client.take();
    CHECK(has(response, "200 OK"));
    f.backend('a').accepts();
    f.backend('a').responds_with(std::string(kOk));
    client.sends(get_with(cookie_of(response)));
    f.loop.run();
    CHECK(f.backend('b').heads().size() == 2);
  }
}

TEST_CASE("who waits for a place at a backend that goes down is served elsewhere") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie, .max_requests = 1});
  f.backend('b').responds_with(std::string(kOk));
  FakePeer first = f.client(kGet);
  f.backend('a').sends(kOk);
  f.loop.run();
  const std::string cookie = cookie_of(first.take());
  FakePeer busy = f.client(get_with(cookie));
  FakePeer waiting = f.client(get_with(cookie));
  CHECK(waiting.received().empty());
  f.set_state('a', health::State::Down);
  CHECK(has(waiting.received(), "200 OK"));
  CHECK(f.backend('b').heads().size() == 1);
  f.backend('a').last().resets();
  f.loop.run();
  CHECK(f.in_flight('a') == 0);
  CHECK(f.in_flight('b') == 0);
}

TEST_CASE("who would wait too long for a place moves where there is room; where there is none it is told so") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie, .max_requests = 1});
  FakePeer first = f.client(kGet);
  f.backend('a').sends(kOk);
  f.loop.run();
  const std::string cookie = cookie_of(first.take());
  SUBCASE("but not where one backend alone is to be active") {
    FakePeer busy = f.client(get_with(cookie));
    FakePeer waiting = f.client(get_with(cookie));
    f.loop.advance(6s);
    CHECK(has(waiting.received(), "503"));
    CHECK(f.backend('b').dials() == 0);
    return;
  }
  f.reload([](conf::Settings& settings) { settings.pools[0].balance = conf::BalanceMethod::RoundRobin; });
  FakePeer busy = f.client(get_with(cookie));
  FakePeer waiting = f.client(get_with(cookie));
  FakePeer later = f.client(get_with(cookie));
  f.loop.advance(4s);
  CHECK(f.backend('b').dials() == 0);
  f.loop.advance(2s);
  REQUIRE(f.backend('b').dials() == 1);
  CHECK(has(f.backend('b').last().received(), "X-Holdfast-Moved: from=a; reason=overload"));
  CHECK(f.moves.size() == 1);
  // There was one place elsewhere, and it is taken.
  CHECK((has(waiting.received(), "503") || has(later.received(), "503")));
  f.backend('b').sends(kOk);
  f.loop.run();
  CHECK((has(waiting.received(), "200 OK") || has(later.received(), "200 OK")));
  CHECK(f.failures.empty());
}

TEST_CASE("a response that dies in the middle is a sign against its backend") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  f.backend('a').sends("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  f.loop.run();
  f.backend('a').last().resets();
  f.loop.run();
  REQUIRE(f.failures.size() == 1);
  CHECK(f.failures[0] == base::ErrorCode::Reset);
}

TEST_CASE("a backend that never says 100 is the one who did not move") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  f.loop.advance(61s);
  CHECK(has(client.received(), "HTTP/1.1 504"));
  REQUIRE(f.failures.size() == 1);
  CHECK(f.failures[0] == base::ErrorCode::Timeout);
}

TEST_CASE("a client that goes on sending after a refusal can read the response for a while") {
  ProxyFixture f({.backends = 1, .body_max = 8});
  FakePeer client = f.client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 99999999\r\n\r\n");
  CHECK(has(client.received(), "HTTP/1.1 413"));
  for (int i = 0; i < 10; ++i) {
    client.sends(std::string(3u << 20, 'x'));
    f.loop.run();
    f.loop.advance(1s);
    CHECK(client.is_open());
  }
  f.loop.advance(3s);  // silent now
  CHECK_FALSE(client.is_open());
}

TEST_CASE("a request that has come already when the proxy drains is answered") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client();
  client.sends(kGet);  // its event is still on its way
  f.proxy().drain();
  f.loop.run();
  CHECK(has(client.received(), "200 OK"));
  CHECK(f.is_drained());
}

TEST_CASE("a neighbour's cookie of our name does not hide ours") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  const std::string cookie = cookie_of(client.take());
  client.sends(get_with("holdfast=tossed; x=1; " + cookie));
  f.loop.run();
  CHECK(f.backend('a').heads().size() == 2);
  CHECK_FALSE(has(client.received(), "Set-Cookie"));
  CHECK(has(f.backend('a').heads()[1], "Cookie: x=1\r\n"));
}

TEST_CASE("a tunnel in use keeps its session") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  const std::string cookie = cookie_of(client.take());
  f.backend('a').last().closes();
  f.loop.run();
  f.backend('a').stays_silent();
  client.sends("GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: " + cookie +
               "\r\n\r\n");
  f.loop.run();
  f.backend('a').sends("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  f.loop.run();
  for (int i = 0; i < 12; ++i) {
    f.loop.advance(10min);
    client.sends("ping");
    f.loop.run();
  }
  CHECK(f.sessions() == 1);
}

TEST_CASE("a response that ends its session waits until all proxies know of the end") {
  LaterStore map;
  ProxyFixture f({.backends = 1, .sticky = conf::StickyMode::Cookie, .map = &map});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  const std::string cookie = cookie_of(client.take());
  f.backend('a').last().closes();
  f.loop.run();
  f.backend('a').stays_silent();
  client.sends(get_with(cookie));
  f.loop.run();
  // Head and a part of the body, after an interim response; the rest comes while the response is held.
  f.backend('a').last().sends(
      "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Holdfast-Session: end\r\n\r\nbye");
  f.loop.run();
  CHECK(map.memory.size() == 0);
  CHECK(map.open_questions() == 1);
  CHECK(has(client.received(), "103 Early Hints"));
  CHECK_FALSE(has(client.received(), "200 OK"));
  f.backend('a').last().sends("bye");
  f.loop.advance(2min);  // no deadline of ours ends what only waits for the others
  CHECK_FALSE(has(client.received(), "200 OK"));
  CHECK(map.respond());
  f.loop.run();
  const std::string response = client.take();
  CHECK(has(response, "200 OK"));
  CHECK(has(response, "\r\n\r\nbyebye"));
  CHECK_FALSE(has(response, "X-Holdfast"));
  CHECK(map.open_questions() == 0);

  // A client that leaves meanwhile takes nothing along.
  f.backend('a').responds_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Holdfast-Session: end\r\n\r\n");
  FakePeer leaver = f.client(kGet);
  leaver.closes();
  f.loop.run();
  CHECK(map.open_questions() == 0);
}

TEST_CASE("X-Holdfast-Session: end ends the session, and its cookie does not bring it back") {
  ProxyFixture f({.backends = 1, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  const std::string cookie = cookie_of(client.take());
  f.backend('a').last().closes();
  f.loop.run();
  f.backend('a').responds_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Holdfast-Session: end\r\n\r\n");
  client.sends(get_with(cookie));
  f.loop.run();
  const std::string response = client.take();
  CHECK_FALSE(has(response, "X-Holdfast"));
  CHECK_FALSE(has(response, "Set-Cookie"));
  CHECK(f.sessions() == 0);
  f.backend('a').last().closes();
  f.loop.run();
  f.backend('a').responds_with(std::string(kOk));
  client.sends(get_with(cookie));
  f.loop.run();
  const std::string fresh = cookie_of(client.take());
  CHECK_FALSE(fresh.empty());
  CHECK(fresh != cookie);
}
