#include <doctest/doctest.h>

#include "tests/proxy/proxy_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::tests;
using holdfast::tests::has;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kPost = "POST /pay HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\ncoin";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a refused connection is tried elsewhere, never again at the backend that refused") {
  ProxyFixture f({.backends = 2});
  f.backend('a').refuses();
  f.backend('b').responds_with(std::string(kOk));
  FakePeer client = f.client(kPost);
  CHECK(f.backend('a').dials() == 1);
  CHECK(has(client.received(), "HTTP/1.1 200"));
  CHECK(f.in_flight('a') == 0);
  CHECK(f.in_flight('b') == 0);
  REQUIRE(f.failures.size() == 1);
  CHECK(f.failures[0] == base::ErrorCode::Refused);
}

TEST_CASE("a backend that dies with a request in it: what is safe goes elsewhere, a POST never") {
  struct Row {
    const char* why;
    std::string_view request;
    std::size_t heads_at_b;
    const char* status;
  };
  for (const Row& row : {Row{"safe", kGet, 1, "HTTP/1.1 200"}, Row{"may have run", kPost, 0, "HTTP/1.1 502"}}) {
    INFO(row.why);
    ProxyFixture f({.backends = 2});
    f.backend('b').responds_with(std::string(kOk));
    FakePeer client = f.client(row.request);
    REQUIRE(f.backend('a').received_head("") == true);
    f.backend('a').last().resets();
    f.loop.run();
    CHECK(f.backend('b').heads().size() == row.heads_at_b);
    CHECK(has(client.received(), row.status));
    CHECK(f.in_flight('a') == 0);
  }
}

TEST_CASE("a kept-alive connection that is dead on reuse is dialled anew, and says nothing about its backend") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  CHECK(count(client.take(), "200 OK") == 1);
  f.backend('a').last().on_bytes([](const FakePeer&) {});
  client.sends(kGet);
  f.loop.run();
  CHECK(f.backend('a').dials() == 1);  // reused
  CHECK(client.received().empty());
  f.backend('a').last().closes();
  f.backend('a').responds_with(std::string(kOk));
  f.loop.run();
  CHECK(f.backend('a').dials() == 2);
  CHECK(has(client.received(), "200 OK"));
  CHECK(f.failures.empty());
}

TEST_CASE("an interim response is passed on once, however the bytes come") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  f.backend('a').sends("HTTP/1.1 100 Continue\r\n\r\n");
  f.loop.run();
  CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
  f.backend('a').sends("HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 2");
  f.loop.run();
  client.sends("coin");
  f.loop.run();
  CHECK(has(f.backend('a').last().received(), "coin"));
  f.backend('a').sends("00 OK\r\nContent-Length: 0\r\n\r\n");
  f.loop.run();
  CHECK(count(client.received(), "103 Early Hints") == 1);
  CHECK(count(client.received(), "200 OK") == 1);
}

TEST_CASE("interim responses without end are a fault of the backend") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kPost);
  for (int i = 0; i < 100; ++i) f.backend('a').sends("HTTP/1.1 102 Processing\r\n\r\n");
  f.loop.run();
  CHECK(has(client.received(), "HTTP/1.1 502"));
}

TEST_CASE("who is turned away from a full pool has got an error page, and is counted as such") {
  ProxyFixture f({.backends = 1, .sticky = conf::StickyMode::Cookie, .max_sessions = 1});
  f.backend('a').responds_with(std::string(kOk));
  CHECK(f.client(kGet).received_head("HTTP/1.1 200"));
  CHECK(f.client(kGet).received_head("HTTP/1.1 503"));
  CHECK(f.proxy().counters().pool[0].sessions_refused.get() == 1);
  CHECK(f.proxy().counters().pool[0].failed.get() == 1);
}

TEST_CASE("a response cut short never looks whole") {
  struct Row {
    const char* why;
    const char* response;
    bool by_reset;
  };
  const Row rows[] = {{"counted", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false},
                      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false}};
  for (const Row& row : rows) {
    INFO(row.why);
    ProxyFixture f({.backends = 1});
    FakePeer client = f.client(kGet);
    f.backend('a').sends(row.response);
    f.backend('a').last().closes();
    f.loop.run();
    CHECK(has(client.received(), "half"));
    CHECK_FALSE(has(client.received(), "\r\n0\r\n\r\n"));
    CHECK_FALSE(client.is_open());
  }
  SUBCASE("ending with the connection: the client of HTTP/1.0 learns it by RST") {
    ProxyFixture f({.backends = 1});
    FakePeer client = f.client("GET / HTTP/1.0\r\nHost: shop\r\n\r\n");
    f.backend('a').sends("HTTP/1.1 200 OK\r\n\r\nhalf");
    f.backend('a').last().resets();
    f.loop.run();
    CHECK(client.was_reset());
  }
}

TEST_CASE("a client that goes away takes its request with it, at every stage") {
  SUBCASE("while the backend is dialled") {
    ProxyFixture f({.backends = 1});
    f.backend('a').hangs();
    FakePeer client = f.client(kGet);
    CHECK(f.net.dials_under_way() == 1);
    client.closes();
    f.loop.run();
    CHECK(f.net.dials_under_way() == 0);
  }
  SUBCASE("while the response is awaited") {
    ProxyFixture f({.backends = 1});
    FakePeer client = f.client(kGet);
    client.closes();
    f.loop.run();
    CHECK_FALSE(f.backend('a').last().is_open());
    CHECK(f.in_flight('a') == 0);
    CHECK(f.clients() == 0);
  }
  SUBCASE("in the middle of an upload") {
    ProxyFixture f({.backends = 1});
    FakePeer client = f.client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf");
    client.closes();
    f.loop.run();
    CHECK_FALSE(f.backend('a').last().is_open());
  }
}

TEST_CASE("pipelined requests are answered in order, refused ones too") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  const std::string three = std::string(kGet) + "GET /2 HTTP/1.1\r\nHost: shop\r\n\r\n" + std::string(kGet);
  FakePeer client = f.client(three);
  CHECK(count(client.received(), "200 OK") == 3);
  REQUIRE(f.backend('a').heads().size() == 3);
  CHECK(f.backend('a').heads()[1].starts_with("GET /2 "));
  CHECK(f.backend('a').dials() == 1);
}

TEST_CASE("a slow client stops the backend, and gets everything") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  client.blocks_after(1000);
  const std::string body(300'000, 'x');
  f.backend('a').sends("HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + body);
  f.loop.run();
  CHECK(client.received().size() == 1000);
  f.backend('a').sends(body);
  f.loop.run();
  client.unblocks();
  f.loop.run();
  CHECK(client.received().size() > 600'000);
  CHECK(client.received().ends_with("xxx"));
  CHECK(f.in_flight('a') == 0);
}

TEST_CASE("bytes nobody asked for make a backend connection useless") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  f.backend('a').sends(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  f.loop.run();
  CHECK_FALSE(has(client.received(), "poison"));
  CHECK(f.proxy().idle_backend_connections() == 0);
}

TEST_CASE("a connection that carried NTLM is never lent to another client") {
  ProxyFixture f({.backends = 1});
  f.backend('a').responds_with(std::string(kOk));
  FakePeer user = f.client("GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: NTLM TlRMTVNTUAAB\r\n\r\n");
  CHECK(has(user.take(), "200 OK"));
  user.sends(kGet);  // the same connection, without the field: still the same user's
  f.loop.run();
  CHECK(has(user.take(), "200 OK"));
  CHECK(f.backend('a').dials() == 1);
  FakePeer other = f.client(kGet);
  CHECK(has(other.received(), "200 OK"));
  CHECK(f.backend('a').dials() == 2);
}

TEST_CASE("a backend at max_requests: the rest waits its turn, and gives up the place when it leaves") {
  ProxyFixture f({.backends = 1, .max_requests = 1});
  FakePeer first = f.client(kGet);
  FakePeer second = f.client(kGet);
  FakePeer third = f.client(kGet);
  CHECK(f.backend('a').dials() == 1);
  second.closes();
  f.loop.run();
  f.backend('a').sends(kOk);
  f.loop.run();
  CHECK(has(first.received(), "200 OK"));
  f.backend('a').sends(kOk);
  f.loop.run();
  CHECK(has(third.received(), "200 OK"));
  CHECK(f.in_flight('a') == 0);

  FakePeer fourth = f.client(kGet);
  FakePeer late = f.client(kGet);
  f.loop.advance(6s);
  CHECK(has(late.received(), "HTTP/1.1 503"));
  CHECK(fourth.received().empty());
}

TEST_CASE("deadlines: who does not move is told so") {
  SUBCASE("a head that takes too long") {
    ProxyFixture f({});
    FakePeer client = f.client("GET / HT");
    f.loop.advance(9s);
    client.sends("T");
    f.loop.advance(2s);
    CHECK(has(client.received(), "HTTP/1.1 408"));
  }
  SUBCASE("a body that takes too long") {
    ProxyFixture f({});
    FakePeer client = f.client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\nhalf");
    f.loop.advance(61s);
    CHECK(has(client.received(), "HTTP/1.1 408"));
  }
  SUBCASE("a backend that never answers") {
    ProxyFixture f({.backends = 2});
    FakePeer client = f.client(kGet);
    f.loop.advance(61s);
    CHECK(has(client.received(), "HTTP/1.1 504"));
    CHECK(f.backend('b').dials() == 0);
  }
  SUBCASE("an idle connection is closed without a word") {
    ProxyFixture f({});
    FakePeer client = f.client();
    f.loop.advance(61s);
    CHECK_FALSE(client.is_open());
    CHECK(client.received().empty());
  }
}

TEST_CASE("at the limit of connections an idle one makes room; where none is idle the new one is turned away") {
  ProxyFixture f({.connections = 2});
  FakePeer idle = f.client();
  FakePeer busy = f.client(kGet);
  FakePeer third = f.client(kGet);
  CHECK_FALSE(idle.is_open());
  CHECK(busy.is_open());
  FakePeer fourth = f.client(kGet);
  CHECK(has(fourth.received(), "HTTP/1.1 503"));
  CHECK(f.clients() == 2);
}

TEST_CASE("draining: idle connections end, busy ones after their response, which says so") {
  ProxyFixture f({.backends = 1});
  FakePeer idle = f.client();
  FakePeer busy = f.client(kGet);
  f.proxy().drain();
  f.loop.run();
  CHECK(idle.has_ended());
  idle.closes();
  f.loop.run();
  CHECK_FALSE(f.is_drained());
  f.backend('a').sends(kOk);
  f.loop.run();
  CHECK(has(busy.received(), "Connection: close"));
  CHECK(f.is_drained());
}

TEST_CASE("leaving to another process: each client gets one more answer, which says that it is the last") {
  ProxyFixture f({.backends = 1});
  FakePeer idle = f.client();
  FakePeer promised = f.client(kGet);
  f.backend('a').sends("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");  // its head promises to go on
  f.loop.run();
  f.proxy().leave();
  f.loop.run();
  CHECK(idle.is_open());
  f.backend('a').sends("lf");
  f.loop.run();
  CHECK(promised.take().ends_with("half"));
  CHECK_FALSE(promised.has_ended());
  CHECK_FALSE(f.is_drained());
  for (FakePeer* client : {&idle, &promised}) {
    client->sends(kGet);
    f.loop.run();
    f.backend('a').sends(kOk);
    f.loop.run();
    CHECK(has(client->received(), "200 OK"));
    CHECK(has(client->received(), "Connection: close"));
  }
  CHECK(f.is_drained());
}

TEST_CASE("an upgrade becomes a tunnel; the backend judged down ends it") {
  ProxyFixture f({.backends = 1});
  FakePeer client =
      f.client("GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nglued-up");
  f.backend('a').sends(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nglued-down");
  f.loop.run();
  CHECK(has(client.received(), "101 Switching"));
  CHECK(client.received().ends_with("glued-down"));
  CHECK(f.backend('a').last().received().ends_with("glued-up"));
  f.set_state('a', health::State::Down);
  CHECK_FALSE(client.is_open());
  CHECK(f.in_flight('a') == 0);
}

TEST_CASE("an upgrade nobody asked for is a fault of the backend") {
  ProxyFixture f({.backends = 1});
  FakePeer client = f.client(kGet);
  f.backend('a').sends("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  f.loop.run();
  CHECK(has(client.received(), "HTTP/1.1 502"));
}

TEST_CASE("a session stays on its backend, moves once when that is down, and does not fall back") {
  ProxyFixture f({.backends = 2, .sticky = conf::StickyMode::Cookie});
  f.backend('a').responds_with(std::string(kOk));
  f.backend('b').responds_with(std::string(kOk));
  FakePeer client = f.client(kGet);
  const std::string first = client.take();
  const std::size_t at = first.find("holdfast=");
  REQUIRE(at != std::string::npos);
  const std::string cookie = first.substr(at, first.find(';', at) - at);
  const std::string again = "GET / HTTP/1.1\r\nHost: shop\r\nCookie: x=1; " + cookie + "\r\n\r\n";

  client.sends(again);
  f.loop.run();
  CHECK(f.backend('a').heads().size() == 2);
  CHECK_FALSE(has(client.take(), "Set-Cookie"));
  CHECK(has(f.backend('a').heads()[1], "Cookie: x=1\r\n"));  // ours is not the app's business

  f.set_state('a', health::State::Down);
  client.sends(again);
  f.loop.run();
  CHECK(f.backend('b').heads().size() == 1);
  CHECK(has(client.take(), "Set-Cookie: holdfast="));
  f.set_state('a', health::State::Up);
  client.sends(again);
  f.loop.run();
  CHECK(f.backend('b').heads().size() == 2);
  CHECK(f.proxy().counters().backend[0].moved_away.get() == 1);
  REQUIRE(f.moves.size() == 1);
  CHECK(f.moves[0].reason == "down");
  CHECK(f.moves[0].from != sessions::BackendTag::None);
}

TEST_CASE("what is too long is refused before a backend hears of it") {
  ProxyFixture f({.backends = 1, .body_max = 8});
  FakePeer counted = f.client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n");
  CHECK(has(counted.received(), "HTTP/1.1 413"));
  FakePeer chunked = f.client("POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n");
  CHECK(has(chunked.received(), "HTTP/1.1 413"));
  CHECK(f.backend('a').dials() == 0);
}

TEST_CASE("an event stream is told to end when its backend is left, also one that begins later") {
  ProxyFixture f({});
  const FakePeer early = f.client("GET /events HTTP/1.1\r\nHost: shop\r\n\r\n");
  FakePeer first = f.backend('a').last();
  const FakePeer late = f.client("GET /events HTTP/1.1\r\nHost: shop\r\n\r\n");
  REQUIRE(f.in_flight('a') == 2);
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:ok\r\n";
  first.sends(head);
  f.loop.run();
  CHECK(!early.received().ends_with("0\r\n\r\n"));
  f.ends_long('a');
  CHECK(early.received().ends_with("0\r\n\r\n"));
  f.backend('a').sends(head);
  f.loop.run();
  CHECK(late.received_head("HTTP/1.1 200"));
  CHECK(late.received().ends_with("0\r\n\r\n"));
  CHECK(f.in_flight('a') == 0);
}
