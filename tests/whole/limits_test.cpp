// Whatever a stranger can make grow or hold has an end.

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

ProxyConfig with(const Fleet& fleet, std::string tables) {
  return {.backends = fleet.configs(), .workers = 1, .tables = std::move(tables)};
}

constexpr std::string_view kHead = "POST /up HTTP/1.1\r\nHost: shop.test\r\n";

}  // namespace

TEST_CASE("a slow head is 408, a silent connection just ends") {
  Fleet fleet({"a"});
  Proxy proxy(with(fleet, "[timeouts]\nrequest_head = \"300ms\"\nclient_idle = \"300ms\"\n"));
  HttpClient slow = proxy.client();
  REQUIRE(slow.send("GET / HTTP/1.1\r\nHost: sh"));
  const Response response = slow.receive();
  CHECK(response.is_whole(408));
  CHECK_FALSE(slow.is_open());

  HttpClient kept = proxy.client();
  REQUIRE(kept.get("/").is_whole(200));
  CHECK(kept.wait_for_end() == End::Nothing);
}

TEST_CASE("a head that drips on, byte by byte, ends at the same deadline") {
  Fleet fleet({"a"});
  Proxy proxy(with(fleet, "[timeouts]\nrequest_head = \"500ms\"\n"));
  HttpClient client = proxy.client();
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: shop.test\r\nX-Drip: "));
  const Deadline deadline{10s};
  bool answered = false;
  while (!answered && !deadline.passed()) {
    Latch nobody;
    nobody.wait(Deadline{20ms});
    answered = !client.send("x") || peer_has_gone(client.wire().socket());
  }
  CHECK(answered);
}

TEST_CASE("too long: 413 for a body, 414 for a target, 431 for fields") {
  Fleet fleet({"a"});
  Proxy proxy(with(fleet, "[limits]\nrequest_body_bytes = \"1KiB\"\nrequest_head_bytes = \"8KiB\"\nheaders = 20\n"));
  std::string many;
  for (int i = 0; i < 30; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  struct Row {
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {std::string(kHead) + "Content-Length: 1024\r\n\r\n" + std::string(1024, 'x'), 200},
      {std::string(kHead) + "Content-Length: 1025\r\n\r\n", 413},
      {std::string(kHead) + "Content-Length: 999999999999\r\n\r\n", 413},
      {std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n800\r\n" + std::string(2048, 'x') + "\r\n0\r\n\r\n",
       413},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: shop.test\r\n\r\n", 414},
      {"GET /" + std::string(9000, 'x'), 414},
      {"GET / HTTP/1.1\r\nHost: shop.test\r\nX-Long: " + std::string(9000, 'x') + "\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: shop.test\r\n" + many + "\r\n", 431},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes.substr(0, 80));
    const auto executed = fleet.executed();
    HttpClient client = proxy.client();
    REQUIRE(client.send(row.bytes));
    CHECK(client.receive().status == row.status);
    CHECK(fleet.executed() == executed + (row.status == 200 ? 1u : 0u));
  }
}

TEST_CASE("a route may allow more than the rest") {
  Fleet fleet({"a"});
  Proxy proxy(with(fleet,
                   "[limits]\nrequest_body_bytes = \"1KiB\"\n[[routes]]\npath = \"/\"\npool = \"app\"\n"
                   "[[routes]]\npath = \"/file\"\npool = \"app\"\nrequest_body_bytes = \"8KiB\"\n"
                   "[[routes]]\npath = \"/ws-doc/\"\ndeny = true\n"));
  HttpClient client = proxy.client();
  CHECK(client.post("/file", std::string(4096, 'x')).is_whole(200));
  CHECK(client.post("/filex", std::string(4096, 'x')).status == 413);
  CHECK(client.get("/ws-doc/secret").status == 403);
}

TEST_CASE("a body that stops is ended, on either side") {
  Latch told;
  Fleet fleet({"a"});
  fleet.on("/up", [&](Conversation& c) {
    if (c.read_body() != End::Whole) told.open();
    c.close();
  });
  fleet.on("/stall", [](Conversation& c) {
    c.read_body();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfour");
    c.wait_for_peer_to_go();
    c.close();
  });
  fleet.on("/silent", [](Conversation& c) { c.read_body(), c.wait_for_peer_to_go(), c.close(); });
  Proxy proxy(with(fleet, "[timeouts]\nbody_idle = \"300ms\"\nresponse = \"400ms\"\n"));
  HttpClient client = proxy.client();
  REQUIRE(client.send(std::string(kHead) + "Content-Length: 100\r\n\r\nfour"));
  CHECK(client.receive().status == 408);
  CHECK(told.wait());

  const Response stalled = proxy.client().get("/stall");
  CHECK(stalled.status == 200);
  CHECK((stalled.end == End::Truncated || stalled.end == End::Reset));

  CHECK(proxy.client().post("/silent", "x").is_whole(504));
  CHECK(eventually([&] { return proxy.sum("requests_in_flight") == 0; }));
}

TEST_CASE("too many connections: idle ones make room") {
  Fleet fleet({"a"});
  Proxy proxy(with(fleet, "[limits]\nconnections = 20\n"));
  std::vector<HttpClient> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(proxy.client());
    REQUIRE(idle.back().get("/").is_whole(200));
  }
  std::vector<HttpClient> fresh;
  for (int i = 0; i < 5; ++i) {
    fresh.push_back(proxy.client());
    CHECK(fresh.back().get("/").is_whole(200));
  }
  CHECK(eventually([&] {
    int closed = 0;
    for (auto& client : idle) closed += peer_has_gone(client.wire().socket()) ? 1 : 0;
    return closed == 5;
  }));
  CHECK(peer_has_gone(idle.front().wire().socket()));  // the longest idle first
}

TEST_CASE("max_requests: the rest waits its turn, and not for ever") {
  Latch latch;
  Fleet fleet({"a"});
  fleet.on("*", [&](Conversation& c) {
    c.read_body();
    c.wait(latch);
    c.respond(200, "page");
  });
  ProxyConfig config = with(fleet, "");
  config.workers = 4;
  config.backends[0].more = "max_requests = 2\n";
  SUBCASE("all are served") {
    Proxy proxy(config);
    std::vector<HttpClient> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(proxy.client());
      REQUIRE(clients.back().send(request_text({})));
    }
    REQUIRE(fleet["a"].wait_for_count(2));
    latch.open();
    for (auto& client : clients) CHECK(client.receive().is_whole(200));
    CHECK(fleet["a"].in_flight_max() == 2);
  }
  SUBCASE("who waits too long is told so") {
    config.tables = "[timeouts]\nqueue = \"200ms\"\n";
    Proxy proxy(config);
    std::vector<HttpClient> clients;
    for (int i = 0; i < 2; ++i) {
      clients.push_back(proxy.client());
      REQUIRE(clients.back().send(request_text({})));
    }
    REQUIRE(fleet["a"].wait_for_count(2));
    CHECK(proxy.client().get("/").is_whole(503));
    latch.open();
    for (auto& client : clients) CHECK(client.receive().is_whole(200));
  }
}
