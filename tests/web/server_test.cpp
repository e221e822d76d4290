#include "web/server.h"

#include <doctest/doctest.h>

#include "tests/support/text.h"
#include "tests/web/web_client.h"

using namespace holdfast;
using namespace holdfast::web;
using holdfast::tests::has;
using namespace std::chrono_literals;
using tests::FakePeer;

namespace {

Router router() {
  Router made;
  const auto says = [](std::string_view word) { return [word](const Request&) { return text_response(200, word); }; };
  made.add(http::Method::Get, "/livez", says("alive"));
  made.add(http::Method::Get, "/readyz", says("ready"));
  made.add(http::Method::Get, "/api/v1/status", says("{}"));
  made.add(http::Method::Post, "/echo", [](const Request& request) {
    return text_response(200, std::string(request.field("x-say")) + request.query + request.body);
  });
  made.add(http::Method::Get, "/big", [](const Request&) { return text_response(200, std::string(300'000, 'b')); });
  return made;
}

struct Loop {
  tests::FakeLoop loop;
};
struct Fixture : Loop, WebServer {
  explicit Fixture(ConnectionLimits limits = {}) : WebServer(Loop::loop, router(), limits) {}
  using Loop::loop;
};

bool begins(const std::string& text, const std::string& start) { return text.starts_with(start); }

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("what is hostile or wrong gets its status, and the connection ends where its framing is in doubt") {
  const std::string host = "Host: localhost\r\n";
  const std::string long_text(20'000, 'a');
  struct Row {
    const char* why;
    std::string bytes;
    const char* status;
    const char* connection;
  };
  const Row rows[] = {
      {"unknown path", get("/nope"), "404", "keep-alive"},
      {"dot segments are not resolved", get("/api/v1/../v1/status"), "404", "keep-alive"},
      {"encoded path is not decoded", get("/%6civez"), "404", "keep-alive"},
      {"encoded NUL", get("/livez%00"), "400", "close"},
      {"method of another path", "POST /livez HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "405", "keep-alive"},
      {"unknown method", "BREW /livez HTTP/1.1\r\n" + host + "\r\n", "405", "keep-alive"},
      {"rebound name", "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", "keep-alive"},
      {"rebound name with port", "GET / HTTP/1.1\r\nHost: evil.example:8081\r\n\r\n", "421", "keep-alive"},
      {"rebound absolute form", "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", "keep-alive"},
      {"other loopback names", "GET /livez HTTP/1.1\r\nHost: [::1]:9999\r\n\r\n", "200", "keep-alive"},
      {"HTTP/1.0 without Host", "GET /livez HTTP/1.0\r\n\r\n", "200", "close"},
      {"asked to close", "GET /livez HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "200", "close"},
      {"no host", "GET /livez HTTP/1.1\r\n\r\n", "400", "close"},
      {"two hosts", "GET /livez HTTP/1.1\r\n" + host + host + "\r\n", "400", "close"},
      {"no HTTP at all", "\x16\x03\x01\x02\r\n\r\n", "400", "close"},
      {"bare line feeds", "GET /livez HTTP/1.1\nHost: localhost\n\n", "400", "close"},
      {"length and chunks",
       "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400",
       "close"},
      {"huge field", "GET /livez HTTP/1.1\r\n" + host + "X: " + long_text + "\r\n\r\n", "431", "close"},
      {"huge field without an end", "GET /livez HTTP/1.1\r\n" + host + "X: " + long_text, "431", "close"},
      {"huge target", "GET /" + long_text + " HTTP/1.1\r\n" + host + "\r\n", "414", "close"},
      {"declared body too long", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 65537\r\n\r\n", "413", "close"},
      {"chunked body too long",
       "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + std::string(65537, 'x'),
       "413", "close"},
      {"bad chunk size", "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400",
       "close"}};
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    Fixture f;
    const std::string response = f.talk(row.bytes);
    CHECK(begins(response, "HTTP/1.1 " + std::string(row.status) + " "));
    CHECK(has(response, "\r\nConnection: " + std::string(row.connection) + "\r\n"));
    CHECK(count_of(response, "HTTP/1.1 ") == 1);
  }
}

TEST_CASE("405 names what is allowed") {
  Fixture f;
  CHECK(has(f.talk("DELETE /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"), "\r\nAllow: GET, HEAD\r\n"));
  CHECK(has(f.talk(get("/echo")), "\r\nAllow: POST\r\n"));
}

TEST_CASE("HEAD is GET without the body") {
  Fixture f;
  const std::string got = f.talk(get("/livez"));
  const std::string head = f.talk("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(has(head, "\r\nContent-Length: 6\r\n"));
  CHECK(body_of(head).empty());
  CHECK(body_of(got) == "alive\n");
}

TEST_CASE("bodies of both framings arrive whole, up to the limit, in any pieces") {
  const std::string head = "POST /echo?q HTTP/1.1\r\nHost: localhost\r\nX-Say: hi\r\n";
  const std::string full(64u << 10, 'x');
  struct Row {
    std::string bytes;
    std::string body;
  };
  const Row rows[] = {{head + "Content-Length: 5\r\n\r\nhello", "hi?qhello\n"},
                      {head + "Content-Length: 0\r\n\r\n", "hi?q\n"},
                      {head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hi?qhello\n"},
                      {head + "Content-Length: 65536\r\n\r\n" + full, "hi?q" + full + "\n"}};
  for (const Row& row : rows) {
    Fixture f;
    CHECK(body_of(f.talk(row.bytes)) == row.body);
    FakePeer slow = f.connect();
    for (const char byte : row.bytes.substr(0, 300)) {
      slow.sends(std::string(1, byte));
      f.loop.run();
    }
    if (row.bytes.size() > 300) slow.sends(row.bytes.substr(300));
    f.loop.run();
    CHECK(body_of(slow.take()) == row.body);
  }
}

TEST_CASE("who expects 100-continue is told to go on") {
  Fixture f;
  FakePeer peer = f.connect();
  peer.sends("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  f.loop.run();
  CHECK(peer.take() == "HTTP/1.1 100 Continue\r\n\r\n");
  peer.sends("ok");
  f.loop.run();
  CHECK(body_of(peer.take()) == "ok\n");
}

TEST_CASE("one connection serves many requests, also those sent ahead, in order") {
  Fixture f;
  FakePeer peer = f.connect();
  for (int i = 0; i < 3; ++i) {
    peer.sends(get("/livez"));
    f.loop.run();
    CHECK(body_of(peer.take()) == "alive\n");
  }
  peer.sends(get("/livez") + get("/readyz") + get("/nope") + "GET /li");
  f.loop.run();
  std::string ahead = peer.take();
  CHECK(count_of(ahead, "HTTP/1.1 200 OK") == 2);
  CHECK(ahead.find("alive") < ahead.find("ready\n"));
  CHECK(ahead.find("ready\n") < ahead.find("HTTP/1.1 404"));
  peer.sends("vez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  f.loop.run();
  CHECK(body_of(peer.take()) == "alive\n");
}

TEST_CASE("a slow reader gets its whole response, and the next request waits for that") {
  Fixture f;
  FakePeer peer = f.connect();
  peer.blocks_after(1000);
  peer.sends(get("/big") + get("/livez"));
  f.loop.run();
  CHECK(peer.received().size() == 1000);
  std::string all = peer.take();
  peer.unblocks();
  f.loop.run();
  all += peer.take();
  CHECK(count_of(all, "HTTP/1.1 200 OK") == 2);
  CHECK(count_of(all, "bbb") == 299'998);
  CHECK(all.ends_with("alive\n"));
}

TEST_CASE("deadlines: a late request gets 408, an idle connection is closed, a stuck reader is reset") {
  struct Row {
    const char* why;
    std::string bytes;
    base::Duration wait;
    const char* response;
  };
  const Row rows[] = {
      {"nothing sent", "", 10s, ""},
      {"half a head", "GET /li", 10s, "HTTP/1.1 408 "},
      {"half a body", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc", 10s, "HTTP/1.1 408 "}};
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    Fixture f;
    FakePeer peer = f.connect();
    if (!row.bytes.empty()) peer.sends(row.bytes);
    f.loop.run();
    f.loop.advance(row.wait - 1ms);
    CHECK(peer.received().empty());
    CHECK(peer.is_open());
    f.loop.advance(1ms);
    CHECK(begins(peer.received(), row.response));
    CHECK(peer.has_ended());
    f.loop.advance(2s);
    CHECK_FALSE(peer.is_open());
    CHECK(f.server.connection_count() == 0);
  }
  Fixture f;
  FakePeer idle = f.connect();
  idle.sends(get("/livez"));
  f.loop.run();
  f.loop.advance(60s - 1ms);
  CHECK(idle.is_open());
  f.loop.advance(1ms);
  CHECK_FALSE(idle.is_open());
  FakePeer stuck = f.connect();
  stuck.blocks_after(10);
  stuck.sends(get("/livez"));
  f.loop.run();
  f.loop.advance(60s);
  CHECK_FALSE(stuck.is_open());
  CHECK(stuck.was_reset());
}

TEST_CASE("a trickle does not move the request's deadline") {
  Fixture f;
  FakePeer peer = f.connect();
  for (int i = 0; i < 11; ++i) {
    peer.sends("X");
    f.loop.advance(1s);
    if (peer.has_ended()) break;
  }
  CHECK(begins(peer.received(), "HTTP/1.1 408 "));
}

TEST_CASE("after the last response the rest is swallowed, with an end") {
  Fixture f;
  FakePeer peer = f.connect();
  peer.sends("bad\r\n\r\n");
  f.loop.run();
  CHECK(peer.has_ended());
  peer.sends(std::string(100'000, 'x'));
  f.loop.run();
  CHECK(peer.is_open());
  CHECK(count_of(peer.received(), "HTTP/1.1 ") == 1);
  peer.sends(std::string(2'000'000, 'x'));
  f.loop.run();
  CHECK_FALSE(peer.is_open());
}

TEST_CASE("clients that leave are forgotten, wherever they were") {
  Fixture f;
  for (const std::string& bytes : {std::string(), std::string("GET /"), get("/livez"), get("/big")}) {
    FakePeer gone = f.connect();
    if (!bytes.empty()) gone.sends(bytes);
    f.loop.run();
    gone.closes();
    f.loop.run();
    CHECK_FALSE(gone.is_open());
    FakePeer broken = f.connect();
    if (!bytes.empty()) broken.sends(bytes);
    broken.resets();
    f.loop.run();
    CHECK_FALSE(broken.is_open());
  }
  CHECK(f.server.connection_count() == 0);
  CHECK(f.loop.timers_alive() == 0);
}

TEST_CASE("a client that has ended its side still gets the response to what it sent") {
  Fixture f;
  FakePeer peer = f.connect();
  peer.sends(get("/livez"));
  peer.ends();
  f.loop.run();
  CHECK(body_of(peer.received()) == "alive\n");
  CHECK_FALSE(peer.is_open());
}

TEST_CASE("at the limit the longest idle connection makes room, or else the one that takes longest to ask") {
  ConnectionLimits limits;
  limits.connections_max = 3;
  Fixture f(limits);
  FakePeer busy = f.connect();
  busy.sends("GET /li");
  f.loop.advance(1s);
  FakePeer older = f.connect();
  f.loop.advance(1s);
  FakePeer newer = f.connect();
  f.loop.advance(1s);
  FakePeer fourth = f.connect();
  fourth.sends("GET");
  f.loop.run();
  CHECK(busy.is_open());
  CHECK_FALSE(older.is_open());
  CHECK(newer.is_open());
  newer.sends("GET");
  f.loop.run();
  FakePeer fifth = f.connect();
  f.loop.run();
  CHECK(fifth.is_open());
  CHECK_FALSE(busy.is_open());
  CHECK(f.server.connection_count() == 3);
}

TEST_CASE("the server may go while clients are connected") {
  tests::FakeLoop loop;
  auto server = std::make_unique<Server>(loop, router(), HostRule(tests::fake_address(1), ""));
  auto [stream, peer] = tests::fake_connection(loop);
  server->accept(std::move(stream));
  peer.sends("GET");
  loop.run();
  server.reset();
  CHECK_FALSE(peer.is_open());
  CHECK(loop.timers_alive() == 0);
}
