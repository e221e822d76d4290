// The companion through the data path: proxies that share nothing but the secret, and what the client brings along.
#include <doctest/doctest.h>

#include <string>

#include "tests/proxy/proxy_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::tests;
using holdfast::tests::has;
using namespace std::chrono_literals;

namespace {

std::string response(std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + std::string(fields) + "\r\nok";
}

/// A proxy with a map of its own.
struct Alone {
  explicit Alone(conf::StickyMode mode = conf::StickyMode::AppCookie) : proxy({.backends = 3, .sticky = mode}) {
    set(response());
  }
  void set(const std::string& text) {
    for (const char name : {'a', 'b', 'c'}) proxy.backend(name).responds_with(text);
  }
  std::string get(std::string_view fields) {
    return proxy.client("GET / HTTP/1.1\r\nHost: shop\r\n" + std::string(fields) + "\r\n").received();
  }
  std::size_t served(char name) { return proxy.backend(name).heads().size(); }
  /// Where new users go: the balance is "failover".
  void prefer(char name) {
    for (const char each : {'a', 'b', 'c'})
      proxy.set_state(each, each < name ? health::State::Sick : health::State::Up);
  }

  ProxyFixture proxy;
};

/// "holdfast-shop=TICKET" as the response sets it, or nothing.
std::string ticket_in(const std::string& received) {
  const auto at = received.find("Set-Cookie: holdfast-shop=");
  if (at == std::string::npos) return {};
  const auto from = at + std::string_view("Set-Cookie: ").size();
  return received.substr(from, received.find(';', from) - from);
}

constexpr const char* kLogin = "Set-Cookie: sid=one; Path=/; SameSite=Strict; Secure\r\n";

/// Logs in at 'b' of a proxy, and answers the ticket that came along.
std::string logged_in_at_b() {
  Alone first;
  first.prefer('b');
  first.set(response(kLogin));
  const std::string received = first.get("");
  CHECK(first.served('b') == 1);
  CHECK(has(received, "; Path=/; HttpOnly; SameSite=Strict; Secure\r\n"));
  return ticket_in(received);
}

}  // namespace

TEST_CASE("a login's companion leads to its backend through a proxy that has never heard of it") {
  const std::string ticket = logged_in_at_b();
  REQUIRE_FALSE(ticket.empty());
  Alone second;  // a guess would go to 'a' or wherever the hash says
  for (const char gone : {'a', 'c'}) {
    CAPTURE(gone);
    const std::string received = second.get("Cookie: sid=one; " + ticket + "\r\n");
    CHECK(has(received, "200 OK"));
    CHECK_MESSAGE(ticket_in(received).empty(), "it has what it needs");
  }
  CHECK(second.served('b') == 2);
  CHECK_FALSE(has(second.proxy.backend('b').heads().back(), "holdfast-shop"));
  CHECK(has(second.proxy.backend('b').heads().back(), "sid=one"));
}

TEST_CASE("a companion is believed for its own session only, and never alone") {
  const std::string ticket = logged_in_at_b();
  Alone other;
  other.get("Cookie: sid=two; " + ticket + "\r\n");
  Alone none;
  none.get("Cookie: sid=two\r\n");
  for (const char name : {'a', 'b', 'c'}) CHECK(other.served(name) == none.served(name));

  Alone lonely;
  lonely.get("Cookie: " + ticket + "\r\n");
  CHECK_MESSAGE(lonely.served('a') == 1, "as anybody new");

  std::string forged = ticket;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  forged[forged.size() - 3] = forged[forged.size() - 3] == 'A' ? 'B' : 'A';
  Alone fooled;
  const std::string received = fooled.get("Cookie: sid=one; " + forged + "\r\n");
  CHECK_MESSAGE(!ticket_in(received).empty(), "an unfit one is set anew");
  CHECK(ticket_in(received) != ticket);
}

TEST_CASE("of several companions the latest that opens counts") {
  const std::string ticket = logged_in_at_b();
  Alone second;
  second.get("Cookie: holdfast-shop=; holdfast-shop=odd; sid=one; " + ticket + "\r\n");
  CHECK(second.served('b') == 1);
}

TEST_CASE("a session that moves, and one whose client never had a companion, get one") {
  Alone one;
  const std::string first = one.get("Cookie: sid=one\r\n");
  const std::string ticket = ticket_in(first);
  REQUIRE_FALSE(ticket.empty());
  CHECK_MESSAGE(ticket_in(one.get("Cookie: sid=one\r\n")).empty(), "who never returns it gets one a minute");
  one.proxy.loop.advance(61s);
  CHECK_FALSE(ticket_in(one.get("Cookie: sid=one\r\n")).empty());
  CHECK(ticket_in(one.get("Cookie: sid=one; " + ticket + "\r\n")).empty());

  const char home = one.served('a') > 0 ? 'a' : one.served('b') > 0 ? 'b' : 'c';
  one.proxy.set_state(home, health::State::Down);
  const std::string moved = ticket_in(one.get("Cookie: sid=one; " + ticket + "\r\n"));
  REQUIRE_FALSE(moved.empty());
  CHECK(moved != ticket);
}

TEST_CASE("an end expires the companion, and the old one does not bring the session back") {
  const std::string ticket = logged_in_at_b();
  Alone one;
  one.set(response("Set-Cookie: sid=; Max-Age=0\r\n"));
  const std::string received = one.get("Cookie: sid=one; " + ticket + "\r\n");
  CHECK(has(received, "Set-Cookie: holdfast-shop=; Path=/; HttpOnly; Max-Age=0"));
  CHECK(one.served('b') == 1);
  one.prefer('c');
  one.get("Cookie: sid=one; " + ticket + "\r\n");
  CHECK_MESSAGE(one.served('b') == 1, "as anybody new");
  CHECK(one.served('c') == 1);
}

TEST_CASE("a client that shows nothing of the app is kept by our own ticket until the app's session is there") {
  Alone one;
  one.prefer('b');
  const std::string own = ticket_in(one.get(""));
  REQUIRE_FALSE(own.empty());
  CHECK(one.proxy.sessions() == 0);
  Alone two;
  two.get("Cookie: theirs=1; " + own + "\r\n");
  CHECK(two.served('b') == 1);
  CHECK(two.proxy.sessions() == 1);

  Alone three;
  three.set(response("Set-Cookie: sid=one; Path=/\r\n"));
  const std::string companion = ticket_in(three.get("Cookie: " + own + "\r\n"));
  CHECK(three.served('b') == 1);
  REQUIRE_FALSE(companion.empty());
  CHECK_MESSAGE(three.proxy.sessions() == 1, "its place has passed to the app's session");
  Alone four;
  four.get("Cookie: sid=one; " + companion + "\r\n");
  CHECK(four.served('b') == 1);
}

TEST_CASE("companion = false: nothing of ours is set, and nothing is believed") {
  const std::string ticket = logged_in_at_b();
  Alone off;
  off.proxy.reload([](conf::Settings& settings) { settings.pools[0].sticky.companion = false; });
  off.set(response(kLogin));
  CHECK(ticket_in(off.get("")).empty());
  CHECK(ticket_in(off.get("Cookie: sid=two; " + ticket + "\r\n")).empty());
}

TEST_CASE("mode header: a client that keeps cookies has a companion for its token") {
  Alone one(conf::StickyMode::Header);
  one.prefer('b');
  CHECK_MESSAGE(ticket_in(one.get("sid: token\r\n")).empty(), "it may have no cookie jar");
  const std::string ticket = ticket_in(one.get("sid: token\r\nCookie: theirs=1\r\n"));
  REQUIRE_FALSE(ticket.empty());
  const char home = one.served('b') > 0 ? 'b' : 'c';
  Alone two(conf::StickyMode::Header);
  two.get("sid: token\r\nCookie: " + ticket + "\r\n");
  CHECK(two.served(home) == 1);
}
