// Heads and framing: what passes, what stays, and that nobody takes a cut message for a whole one.

#include <doctest/doctest.h>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

ProxyConfig one_worker(const Fleet& fleet) { return {.backends = fleet.configs(), .workers = 1}; }

Arrival last_arrival(Fleet& fleet, const char* name = "a") { return fleet[name].arrivals().back(); }

}  // namespace

TEST_CASE("a request's head: the app gets its own fields and ours, a stranger's claims do not pass") {
  Fleet fleet({"a"});
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  const Response response = client.get("/path?x=1", {{"X-App", "kept"},
                                                     {"Connection", "keep-alive, X-Once"},
                                                     {"X-Once", "hop"},
                                                     {"Keep-Alive", "timeout=5"},
                                                     {"Proxy-Connection", "keep-alive"},
                                                     {"X-Forwarded-For", "203.0.113.9"},
                                                     {"X-Forwarded-Proto", "https"},
                                                     {"X-Forwarded-Odd", "odd"},
                                                     {"Forwarded", "for=203.0.113.9"},
                                                     {"X-Real-IP", "203.0.113.9"}});
  REQUIRE(response.is_whole(200));
  const Arrival got = last_arrival(fleet);
  CHECK(got.target == "/path?x=1");
  CHECK(got.head.field("Host") == "shop.test");
  CHECK(got.head.field("X-App") == "kept");
  CHECK(got.head.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(got.head.field("X-Real-IP") == "127.0.0.1");
  CHECK(got.head.field("X-Forwarded-Proto") == "http");
  CHECK(got.head.field("X-Forwarded-Scheme") == "http");
  CHECK(got.head.field("X-Forwarded-Host") == "shop.test");
  CHECK(got.head.count("X-Forwarded-Port") == 1);
  for (const char* name : {"X-Once", "Keep-Alive", "Proxy-Connection", "X-Forwarded-Odd", "Forwarded"}) {
    CAPTURE(name);
    CHECK(got.head.count(name) == 0);
  }
}

TEST_CASE("a trusted proxy's word is kept and extended") {
  Fleet fleet({"a"});
  ProxyConfig config = one_worker(fleet);
  config.listen = "trusted_proxies = [\"127.0.0.0/8\"]\n";
  Proxy proxy(config);
  HttpClient client = proxy.client();
  REQUIRE(client.get("/", {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}}).is_whole(200));
  const Arrival got = last_arrival(fleet);
  CHECK(got.head.field("X-Forwarded-For") == "203.0.113.9, 127.0.0.1");
  CHECK(got.head.field("X-Forwarded-Proto") == "https");
  CHECK(got.head.field("X-Real-IP") == "203.0.113.9");
}

TEST_CASE("a response's head and the app's own error bodies pass untouched, hop-by-hop fields do not") {
  Fleet fleet({"a"});
  fleet.on("/", [](Conversation& c) {
    c.respond(560, "{\"error\":\"microflow\"}",
              "X-App: 1\r\nConnection: X-Once\r\nX-Once: hop\r\nKeep-Alive: timeout=5\r\n");
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  const Response response = client.get("/");
  CHECK(response.is_whole(560));
  CHECK(response.body == "{\"error\":\"microflow\"}");
  CHECK(response.field("X-App") == "1");
  CHECK_FALSE(response.field("X-Once"));
  CHECK_FALSE(response.field("Keep-Alive"));
}

TEST_CASE("keep-alive: one connection on each side serves many requests") {
  Fleet fleet({"a"});
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  for (int i = 0; i < 20; ++i) REQUIRE(client.get("/").is_whole(200));
  CHECK(client.is_open());
  const auto arrivals = fleet["a"].arrivals();
  REQUIRE(arrivals.size() == 20);
  for (const Arrival& arrival : arrivals) CHECK(arrival.connection == arrivals[0].connection);
}

TEST_CASE("pipelined requests are answered in order, and nothing is lost") {
  Fleet fleet({"a"});
  fleet.on("*", [](Conversation& c) {
    c.read_body();
    if (c.arrival().target == "/0") c.work(100ms);
    c.respond(200, c.arrival().target + "=" + c.arrival().body);
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += request_text({.method = i % 2 == 0 ? "GET" : "POST",
                         .target = "/" + std::to_string(i),
                         .body = i % 2 == 0 ? "" : "body" + std::to_string(i)});
  }
  REQUIRE(client.send(all));
  for (int i = 0; i < 10; ++i) {
    const Response response = client.receive();
    CAPTURE(response.text());
    CHECK(response.is_whole(200));
    CHECK(response.body == "/" + std::to_string(i) + "=" + (i % 2 == 0 ? "" : "body" + std::to_string(i)));
  }
}

TEST_CASE("HTTP/1.0 clients get what they can read") {
  Fleet fleet({"a"});
  fleet.on("/chunked", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n3\r\nabc\r\n0\r\n\r\n");
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(client.send("GET /chunked HTTP/1.0\r\nHost: shop.test\r\n\r\n"));
  const Response response = client.receive();
  CHECK(response.is_whole(200));
  CHECK(response.body == "fourabc");
  CHECK_FALSE(response.field("Transfer-Encoding"));
  CHECK_FALSE(client.is_open());

  REQUIRE(client.send("GET / HTTP/1.0\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(client.receive().is_whole(200));
}

TEST_CASE("answers without a body leave the connection in step") {
  Fleet fleet({"a"});
  fleet.on("/204", [](Conversation& c) { c.send("HTTP/1.1 204 No Content\r\n\r\n"); });
  fleet.on("/304",
           [](Conversation& c) { c.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n"); });
  fleet.on("/head", [](Conversation& c) { c.respond(200, "twelve bytes"); });
  fleet.on("/empty", [](Conversation& c) { c.respond(200, ""); });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  CHECK(client.get("/204").is_whole(204));
  CHECK(client.get("/304").is_whole(304));
  const Response head = client.request({.method = "HEAD", .target = "/head"});
  CHECK(head.is_whole(200));
  CHECK(head.field("Content-Length") == "12");
  CHECK(client.get("/empty").is_whole(200));
  CHECK(client.get("/head").body == "twelve bytes");
  CHECK(client.is_open());
}

TEST_CASE("chunked both ways, with trailers") {
  Fleet fleet({"a"});
  fleet.on("/echo", [](Conversation& c) {
    c.read_body();
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nfour\r\n");
    c.send("3;ext=1\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n");
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Check: sum\r\n\r\n"));
  const Response response = client.receive();
  CHECK(response.is_whole(200));
  CHECK(response.body == "fourabc");
  REQUIRE(response.trailers.size() == 1);
  CHECK(response.trailers[0].name == "X-Sum");
  CHECK(response.trailers[0].value == "7");
  const Arrival got = last_arrival(fleet);
  CHECK(got.body == "hello world");
  REQUIRE(got.trailers.size() == 1);
  CHECK(got.trailers[0].value == "sum");
  CHECK(client.get("/next").is_whole(200));
}

TEST_CASE("interim responses pass; 100-continue is waited for") {
  Fleet fleet({"a"});
  fleet.on("/hints", [](Conversation& c) {
    c.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    c.respond(200, "page");
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  const Response hints = client.get("/hints");
  CHECK(hints.is_whole(200));
  REQUIRE(hints.interim.size() == 1);
  CHECK(hints.interim[0].field("Link") == "</a.css>");

  REQUIRE(client.send("POST /up HTTP/1.1\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  WireHead head;
  REQUIRE(client.wire().read_head(head) == End::Whole);
  CHECK(head.first_line.starts_with("HTTP/1.1 100"));
  REQUIRE(client.send("hello"));
  CHECK(client.receive().is_whole(200));
  CHECK(last_arrival(fleet).body == "hello");
}

TEST_CASE("a refused expectation is answered, and the body never asked for") {
  Fleet fleet({"a"});
  fleet.on("/no", [](Conversation& c) { c.respond(403, "no", "Connection: close\r\n"), c.close(); });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(client.send("POST /no HTTP/1.1\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  const Response response = client.receive();
  CHECK(response.is_whole(403));
  CHECK(response.interim.empty());
}

TEST_CASE("an early answer reaches a client that is still uploading") {
  Fleet fleet({"a"});
  fleet.on("/no", [](Conversation& c) {
    c.respond(403, "too much", "Connection: close\r\n");
    c.wait_for_peer_to_go();
    c.close();
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(client.send("POST /no HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100000000\r\n\r\n"));
  REQUIRE(client.send(std::string(100'000, 'x')));
  const Response response = client.receive();
  CHECK(response.status == 403);
  CHECK(response.body == "too much");
  CHECK(HttpClient(proxy.port()).get("/").is_whole(200));
}

TEST_CASE("a client that goes away takes its request with it") {
  Latch aborted;
  Fleet fleet({"a"});
  fleet.on("/hang", [&](Conversation& c) {
    if (c.wait_for_peer_to_go()) aborted.open();
    c.close();
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  SUBCASE("while it waits") {
    REQUIRE(client.send(request_text({.target = "/hang"})));
    REQUIRE(fleet["a"].wait_for_count(1));
    client.close();
  }
  SUBCASE("in the middle of its body") {
    REQUIRE(client.send("POST /hang HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100\r\n\r\npart"));
    REQUIRE(fleet["a"].wait_for_count(1));
    client.reset();
  }
  CHECK(aborted.wait());
  CHECK(eventually([&] { return proxy.sum("requests_in_flight") == 0; }));
  CHECK(fleet.executed() == 0);
}

TEST_CASE("a client that goes in the middle of an upload: the backend sees it cut, not whole") {
  Fleet fleet({"a"});
  Proxy proxy(one_worker(fleet));
  for (const std::string framing :
       {"Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"}) {
    CAPTURE(framing);
    const auto before = fleet["a"].count();
    HttpClient client = proxy.client();
    REQUIRE(client.send("POST /up HTTP/1.1\r\nHost: shop.test\r\n" + framing));
    REQUIRE(fleet["a"].wait_for_count(before + 1));
    client.close();
    CHECK(eventually([&] { return last_arrival(fleet).body_end != End::Nothing; }));
    CHECK(last_arrival(fleet).body_end != End::Whole);
  }
}

TEST_CASE("a backend cut short: the client is told, whatever the framing") {
  struct Row {
    std::string path;
    std::string bytes;
    int status;  ///< What the client sees first; 502: the head never came whole.
    bool resets;
    bool is_whole;
  };
  const Row rows[] = {
      {"/nothing", "", 502, false, true},
      {"/head", "HTTP/1.1 200 OK\r\nConte", 502, false, true},
      {"/interim-only", "HTTP/1.1 103 Early Hints\r\n\r\n", 502, false, true},
      {"/length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", 200, false, false},
      {"/length-at-0", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 200, false, false},
      {"/chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\npart", 200, false, false},
      {"/between-chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", 200, false, false},
      {"/trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n", 200, false, false},
      {"/close", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, false, true},
      {"/close-by-reset", "HTTP/1.1 200 OK\r\n\r\npart", 200, true, false},
  };
  Fleet fleet({"a"});
  for (const Row& row : rows) {
    fleet.on(row.path, [&row](Conversation& c) {
      c.read_body();
      c.send(row.bytes);
      // A reset overtakes bytes on their way: wait until the proxy can have read them.
      if (row.resets) c.wait_for_peer_to_go(Deadline{100ms});
      row.resets ? c.reset() : c.close();
    });
  }
  ProxyConfig config = one_worker(fleet);
  config.tables = "[pools.app.passive]\nfailures = 0\n";
  config.probe = "type = \"none\"\n";
  Proxy proxy(config);
  for (const Row& row : rows) {
    // POST: a GET without a response byte may lawfully be tried again.
    for (const std::string version : {"HTTP/1.1", "HTTP/1.0"}) {
      CAPTURE(row.path);
      CAPTURE(version);
      HttpClient client = proxy.client();
      REQUIRE(client.send("POST " + row.path + " " + version + "\r\nHost: shop.test\r\nContent-Length: 2\r\n\r\nhi"));
      const Response response = client.receive();
      CAPTURE(response.text());
      CHECK(response.status == row.status);
      CHECK((response.end == End::Whole) == row.is_whole);
    }
  }
}

TEST_CASE("an upgrade becomes a tunnel, and bytes glued to either head arrive") {
  Fleet fleet({"a"});
  fleet.on("/tunnel", [](Conversation& c) {
    c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nglued-down ");
    c.echo();
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(
      client.send("GET /tunnel HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nglued-up "));
  const Response response = client.receive();
  CHECK(response.status == 101);
  CHECK(response.field("Upgrade") == "echo");
  REQUIRE(client.send("later"));
  const std::string want = "glued-down glued-up later";
  std::string got;
  REQUIRE(client.wire().read_length(want.size(), [&](std::string_view part) { got.append(part); }) == End::Whole);
  CHECK(got == want);
  shutdown_write(client.wire().socket());
  CHECK(client.wait_for_end() == End::Nothing);
  CHECK(eventually([&] { return proxy.sum("requests_in_flight") == 0; }));
}

TEST_CASE("a refused upgrade is a response like any other") {
  Fleet fleet({"a"});
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  CHECK(client.get("/", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}).is_whole(200));
  CHECK(last_arrival(fleet).head.field("Upgrade") == "websocket");
  CHECK(client.get("/").is_whole(200));
}

TEST_CASE("when the backend of a tunnel dies, the client's side ends") {
  Fleet fleet({"a"});
  fleet.on("/tunnel", [](Conversation& c) {
    c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    c.echo();
  });
  Proxy proxy(one_worker(fleet));
  HttpClient client = proxy.client();
  REQUIRE(client.send("GET /tunnel HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"));
  REQUIRE(client.receive().status == 101);
  fleet["a"].crash();
  const End end = client.wait_for_end();
  CHECK((end == End::Nothing || end == End::Reset));
}
