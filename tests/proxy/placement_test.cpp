// Placement through the data path, with a map that has to be asked and takes its time.
#include <doctest/doctest.h>

#include "tests/proxy/later_store.h"
#include "tests/proxy/proxy_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::tests;
using holdfast::tests::has;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kApp = "GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=one\r\n\r\n";

struct Fixture {
  explicit Fixture(conf::StickyMode mode = conf::StickyMode::AppCookie)
      : proxy({.backends = 3, .sticky = mode, .map = &map}) {
    for (const char name : {'a', 'b', 'c'}) proxy.backend(name).responds_with(std::string(kOk));
  }
  std::size_t served(char name) { return proxy.backend(name).heads().size(); }
  std::size_t served() { return served('a') + served('b') + served('c'); }
  /// Who has served most; there must have been one.
  char favourite() { return served('a') != 0 ? 'a' : served('b') != 0 ? 'b' : 'c'; }
  void respond_all() {
    while (map.respond()) proxy.loop.run();
  }
  LaterStore map;
  ProxyFixture proxy;
};

}  // namespace

TEST_CASE("no backend hears of a request before the map has said whose it is") {
  Fixture f;
  std::vector<FakePeer> clients;
  clients.reserve(4);
  for (int i = 0; i < 4; ++i) clients.push_back(f.proxy.client(kApp));
  CHECK(f.served() == 0);
  CHECK(f.map.open_questions() == 4);
  f.respond_all();
  for (FakePeer& client : clients) CHECK(has(client.received(), "200 OK"));
  CHECK(f.served(f.favourite()) == 4);

  clients[0].take();
  clients[0].sends(kApp);  // known now: nobody is asked
  f.proxy.loop.run();
  CHECK(has(clients[0].received(), "200 OK"));
}

TEST_CASE("a client that leaves while the map is asked leaves nothing behind") {
  Fixture f;
  FakePeer client = f.proxy.client(kApp);
  client.closes();
  f.proxy.loop.run();
  CHECK(f.map.open_questions() == 0);
  CHECK_FALSE(f.map.respond());
  CHECK(f.proxy.clients() == 0);
  CHECK(f.served() == 0);
}

TEST_CASE("a body that comes while the map is asked is not lost") {
  Fixture f;
  FakePeer client =
      f.proxy.client("POST / HTTP/1.1\r\nHost: shop\r\nCookie: sid=one\r\nContent-Length: 10\r\n\r\nhello");
  client.sends("world");
  f.proxy.loop.run();
  f.respond_all();
  REQUIRE(f.served() == 1);
  CHECK(has(f.proxy.backend(f.favourite()).last().received(), "helloworld"));
}

TEST_CASE("a move is agreed before it is used") {
  Fixture f;
  FakePeer client = f.proxy.client(kApp);
  f.respond_all();
  const char home = f.favourite();
  client.take();
  f.proxy.set_state(home, health::State::Down);
  client.sends(kApp);
  f.proxy.loop.run();
  CHECK(f.served() == 1);
  CHECK(f.map.open_questions() == 1);
  f.respond_all();
  CHECK(has(client.received(), "200 OK"));
  CHECK(f.served() == 2);
  CHECK(f.served(home) == 1);
}

TEST_CASE("a backend that refuses: the move is asked for within the same request") {
  Fixture f;
  FakePeer client = f.proxy.client(kApp);
  f.respond_all();
  const char home = f.favourite();
  client.take();
  f.proxy.backend(home).dies();
  f.proxy.loop.run();
  client.sends(kApp);
  f.proxy.loop.run();
  CHECK(client.received().empty());
  f.respond_all();
  CHECK(has(client.received(), "200 OK"));
  CHECK(f.served(home) == 1);
}

TEST_CASE("a doubtful copy is not relied on") {
  Fixture f;
  FakePeer client = f.proxy.client(kApp);
  f.respond_all();
  client.take();
  f.map.invalidates = true;
  client.sends(kApp);
  f.proxy.loop.run();
  CHECK(f.map.open_questions() == 1);
  f.respond_all();
  CHECK(has(client.received(), "200 OK"));
}

TEST_CASE("our own cookie's first request waits for nobody") {
  Fixture f(conf::StickyMode::Cookie);
  FakePeer client = f.proxy.client("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  CHECK(has(client.received(), "Set-Cookie: holdfast="));
  CHECK(f.map.open_questions() == 0);
}

namespace {

constexpr std::string_view kNobody = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kBegins = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=fresh; Path=/\r\nContent-Length: 2\r\n\r\nok";

bool is_full(const FakePeer& client) {
  return has(client.received(), "503 Service Unavailable") && has(client.received(), "Retry-After: 10\r\n") &&
         has(client.received(), "As many people");
}

}  // namespace

TEST_CASE("max_sessions: our own cookie's sessions, exactly as many as there may be") {
  ProxyFixture proxy({.backends = 2, .sticky = conf::StickyMode::Cookie, .max_sessions = 2});
  for (const char name : {'a', 'b'}) proxy.backend(name).responds_with(std::string(kOk));
  CHECK(has(proxy.client(kNobody).received(), "Set-Cookie: holdfast="));
  FakePeer second = proxy.client(kNobody);
  const std::string response = second.take();
  REQUIRE(has(response, "Set-Cookie: holdfast="));
  const std::string cookie =
      response.substr(response.find("holdfast="), response.find(';') - response.find("holdfast="));
  FakePeer third = proxy.client(kNobody);
  CHECK(is_full(third));
  CHECK_FALSE(has(third.received(), "Set-Cookie"));
  CHECK(proxy.sessions() == 2);
  second.sends("GET / HTTP/1.1\r\nHost: shop\r\nCookie: " + cookie + "\r\n\r\n");
  proxy.loop.run();
  CHECK_MESSAGE(has(second.received(), "200 OK"), "who has a session keeps it");
  // A connection that was refused is as good as before.
  third.take();
  third.sends("GET / HTTP/1.1\r\nHost: shop\r\nCookie: " + cookie + "\r\n\r\n");
  proxy.loop.run();
  CHECK(has(third.received(), "200 OK"));
}

TEST_CASE("max_sessions: a session of the app's begins with its response, and its place is held until then") {
  ProxyFixture proxy({.backends = 1, .sticky = conf::StickyMode::AppCookie, .max_sessions = 1});
  FakePeer first = proxy.client(kNobody);
  FakePeer second = proxy.client(kNobody);
  CHECK(first.received().empty());
  CHECK(is_full(second));

  SUBCASE("it begins one") {
    proxy.backend('a').last().sends(std::string(kBegins));
    proxy.loop.run();
    CHECK(has(first.received(), "sid=fresh"));
    CHECK(is_full(proxy.client(kNobody)));
    CHECK(is_full(proxy.client(kApp)));  // an id that nobody knows would begin one, too
    FakePeer known = proxy.client("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=fresh\r\n\r\n");
    proxy.backend('a').last().sends(std::string(kOk));
    proxy.loop.run();
    CHECK(has(known.received(), "200 OK"));
  }
  SUBCASE("it begins none: the place is free") {
    proxy.backend('a').last().sends(std::string(kOk));
    proxy.loop.run();
    FakePeer next = proxy.client(kNobody);
    proxy.backend('a').last().sends(std::string(kOk));
    proxy.loop.run();
    CHECK(has(next.received(), "200 OK"));
  }
  SUBCASE("its client leaves: the place is free") {
    first.closes();
    proxy.loop.run();
    proxy.backend('a').responds_with(std::string(kOk));
    CHECK(has(proxy.client(kNobody).received(), "200 OK"));
  }
  SUBCASE("its backend breaks: the place is free") {
    proxy.backend('a').last().resets();
    proxy.loop.run();
    proxy.backend('a').responds_with(std::string(kOk));
    CHECK(has(proxy.client(kNobody).received(), "200 OK"));
  }
}

TEST_CASE("max_sessions of a backend: new users go to another one; when all are full they are refused") {
  ProxyFixture proxy({.backends = 2, .sticky = conf::StickyMode::AppCookie, .max_sessions_each = 1});
  for (const char name : {'a', 'b'}) proxy.backend(name).responds_with(std::string(kOk));
  proxy.reload([](conf::Settings& settings) { settings.pools[0].balance = conf::BalanceMethod::RoundRobin; });
  const auto ask = [&](const char* id) {
    return proxy.client(std::string("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=") + id + "\r\n\r\n");
  };
  CHECK(has(ask("one").received(), "200 OK"));
  CHECK(has(ask("two").received(), "200 OK"));
  CHECK(proxy.backend('a').heads().size() == 1);
  CHECK(proxy.backend('b').heads().size() == 1);
  CHECK(is_full(ask("three")));
  proxy.set_state('a', health::State::Down);
  CHECK_MESSAGE(has(ask("one").received(), "200 OK"), "who moves does not ask for a place");
  CHECK(has(ask("two").received(), "200 OK"));
  CHECK(is_full(ask("three")));
}

TEST_CASE("max_sessions: the map is asked for a place before it is asked to bind; who leaves gives it back") {
  LaterStore map;
  ProxyFixture proxy({.backends = 1, .sticky = conf::StickyMode::AppCookie, .max_sessions = 1, .map = &map});
  proxy.backend('a').responds_with(std::string(kOk));
  FakePeer client = proxy.client(kApp);
  CHECK(proxy.backend('a').heads().empty());
  REQUIRE(map.respond());  // a place
  proxy.loop.run();
  CHECK(map.open_questions() == 1);
  FakePeer other = proxy.client("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=two\r\n\r\n");
  client.closes();
  proxy.loop.run();
  while (map.respond()) proxy.loop.run();
  CHECK(has(other.received(), "200 OK"));
}

TEST_CASE("max_sessions: a reload while the map is asked for a place: the backend that went is not used") {
  LaterStore map;
  ProxyFixture proxy({.backends = 2, .sticky = conf::StickyMode::AppCookie, .max_sessions = 1, .map = &map});
  for (const char name : {'a', 'b', 'c', 'd'}) proxy.backend(name).responds_with(std::string(kOk));
  FakePeer client = proxy.client(kApp);
  proxy.reload([](conf::Settings& settings) {
    settings.backends[0] = backend_called("c", 9002);
    settings.backends[1] = backend_called("d", 9003);
  });
  while (map.respond()) proxy.loop.run();
  CHECK(has(client.received(), "200 OK"));
  CHECK(proxy.backend('a').heads().empty());
  CHECK(proxy.backend('b').heads().empty());
  FakePeer other = proxy.client("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=two\r\n\r\n");
  while (map.respond()) proxy.loop.run();
  CHECK_MESSAGE(is_full(other), "the session that came in counts");
}

TEST_CASE("max_sessions: an upgrade is a response, too: the place is free") {
  ProxyFixture proxy({.backends = 1, .sticky = conf::StickyMode::AppCookie, .max_sessions = 1});
  FakePeer tunnel = proxy.client("GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  proxy.backend('a').last().sends(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  proxy.loop.run();
  REQUIRE(has(tunnel.received(), "101"));
  proxy.backend('a').responds_with(std::string(kOk));
  CHECK(has(proxy.client(kNobody).received(), "200 OK"));
}

TEST_CASE("max_sessions: a standby is for when others are down, not for when they are full") {
  ProxyFixture proxy({.backends = 2, .sticky = conf::StickyMode::AppCookie, .max_sessions_each = 1});
  for (const char name : {'a', 'b'}) proxy.backend(name).responds_with(std::string(kOk));
  const auto ask = [&](const char* id) {
    return proxy.client(std::string("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=") + id + "\r\n\r\n");
  };
  SUBCASE("a backup") {
    proxy.reload([](conf::Settings& settings) { settings.backends[1].backup = true; });
    CHECK(has(ask("one").received(), "200 OK"));
    CHECK(is_full(ask("two")));
    proxy.set_state('a', health::State::Down);
    CHECK(has(ask("two").received(), "200 OK"));
  }
  SUBCASE("who is sick") {
    proxy.set_state('b', health::State::Sick);
    CHECK(has(ask("one").received(), "200 OK"));
    CHECK(is_full(ask("two")));
  }
  CHECK(proxy.backend('a').heads().size() == 1);
}

TEST_CASE("max_sessions: an id that the app replaces at once has no place of its own") {
  ProxyFixture proxy({.backends = 1, .sticky = conf::StickyMode::AppCookie, .max_sessions = 2});
  proxy.backend('a').responds_with(std::string(kBegins));
  FakePeer user = proxy.client("GET / HTTP/1.1\r\nHost: shop\r\nCookie: sid=of-yesterday\r\n\r\n");
  CHECK(has(user.received(), "sid=fresh"));
  CHECK(proxy.sessions() == 1);
}

TEST_CASE("max_sessions: our own cookie brings its user back beyond the limit, unless the user was away too long") {
  ProxyFixture proxy({.backends = 1, .sticky = conf::StickyMode::Cookie, .max_sessions = 1});
  proxy.backend('a').responds_with(std::string(kOk));
  REQUIRE(has(proxy.client(kNobody).received(), "200 OK"));
  const sessions::Keyring keyring("a secret of tests, long enough");
  const auto come_back = [&](std::chrono::minutes age) {
    const sessions::Ticket ticket{.id = sessions::random_id(),
                                  .backend = keyring.backend_tag("shop", "a"),
                                  .generation = sessions::Generation{1},
                                  .issued = base::wall_now() - age};
    return proxy.client("GET / HTTP/1.1\r\nHost: shop\r\nCookie: holdfast=" + sessions::seal(ticket, keyring) +
                        "\r\n\r\n");
  };
  CHECK(is_full(come_back(40min)));  // the idle timeout is 30
  CHECK(has(come_back(20min).received(), "200 OK"));
  CHECK(proxy.sessions() == 2);
}
