// A backend is killed at every stage of a request: what the client sees, and what each backend executed.

#include <doctest/doctest.h>

#include <random>
#include <thread>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

// "a" comes first, "b" only in need; no probe tells that "a" has a fault; nobody is ejected.
ProxyConfig first_a_then_b(const Fleet& fleet) {
  return {.backends = fleet.configs(),
          .workers = 1,
          .pool = "balance = \"failover\"\n",
          .sticky = "mode = \"none\"\n",
          .probe = "type = \"none\"\n",
          .tables = "[pools.app.passive]\nfailures = 0\n"};
}

std::string upload(std::string_view method) {
  return std::string(method) + " /x HTTP/1.1\r\nHost: shop.test\r\nX-Test-Id: one\r\n" +
         (method == "POST" ? "Content-Length: 10\r\n\r\n0123456789" : "\r\n");
}

}  // namespace

TEST_CASE("a fault at each stage, for a request that may be repeated and one that may not") {
  struct Row {
    std::string stage;
    TestBackend::Script script;  ///< Of "a"; none: it refuses connections.
    int get_status;
    bool get_is_whole;
    int post_status;
    bool post_is_whole;
  };
  const Row rows[] = {
      {"before connect", nullptr, 200, true, 200, true},
      {"in the middle of the request", [](Conversation& c) { c.reset(); }, 200, true, 502, true},
      {"after the request, closed", [](Conversation& c) { c.read_body(), c.close(); }, 200, true, 502, true},
      {"after the request, reset", [](Conversation& c) { c.read_body(), c.reset(); }, 200, true, 502, true},
      {"in the answer's head", [](Conversation& c) { c.read_body(), c.send("HTTP/1.1 200 OK\r\nX-"), c.close(); }, 502,
       true, 502, true},
      {"in the answer's body",
       [](Conversation& c) { c.read_body(), c.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"), c.close(); },
       200, false, 200, false},
  };
  for (const Row& row : rows) {
    for (const std::string method : {"GET", "POST"}) {
      CAPTURE(row.stage);
      CAPTURE(method);
      Fleet fleet({"a", "b"});
      Proxy proxy(first_a_then_b(fleet));
      row.script ? fleet["a"].on("*", row.script) : fleet["a"].refuse();
      HttpClient client = proxy.client();
      REQUIRE(client.send(upload(method)));
      const Response response = client.receive();
      CAPTURE(response.text());
      const bool is_get = method == "GET";
      CHECK(response.status == (is_get ? row.get_status : row.post_status));
      CHECK((response.end == End::Whole) == (is_get ? row.get_is_whole : row.post_is_whole));
      CHECK(fleet["a"].count("one") == (row.script ? 1 : 0));
      if (!is_get) CHECK(fleet.count("one") == 1);
      CHECK(fleet["b"].count("one") <= 1);
      CHECK(HttpClient(proxy.port()).get("/health").is_whole(200));
    }
  }
}

TEST_CASE("a body cut in the middle by the backend's death is not sent to another one") {
  Fleet fleet({"a", "b"});
  Proxy proxy(first_a_then_b(fleet));
  HttpClient client = proxy.client();
  REQUIRE(client.send("POST /x HTTP/1.1\r\nHost: shop.test\r\nX-Test-Id: one\r\nContent-Length: 100\r\n\r\npart"));
  REQUIRE(fleet["a"].wait_for_count(1));
  fleet["a"].crash();
  client.send("and more of it");
  const Response response = client.receive();
  CHECK(response.status == 502);
  CHECK(fleet["a"].executed() == 0);
  CHECK(fleet["b"].count("one") == 0);
}

TEST_CASE("a kept connection that died is not the client's problem") {
  for (const std::string method : {"GET", "POST"}) {
    CAPTURE(method);
    Fleet fleet({"a", "b"});
    Proxy proxy(first_a_then_b(fleet));
    HttpClient client = proxy.client();
    for (int round = 0; round < 20; ++round) {
      REQUIRE(client.get("/warm").is_whole(200));
      fleet["a"].crash();  // the kept connection breaks; the proxy may or may not have heard of it
      fleet["a"].restart();
      const std::string id = "r" + std::to_string(round);
      const Response response =
          client.request({.method = method, .fields = {{"X-Test-Id", id}}, .body = method == "POST" ? "x" : ""});
      CAPTURE(response.text());
      CHECK(response.is_whole(200));
      CHECK(fleet.count(id) == 1);
    }
  }
}

TEST_CASE("backends that close a kept connection while the next request is on its way") {
  Fleet fleet({"a", "b"});
  fleet.on("*", [](Conversation& c) {  // promises to keep the connection, then closes it
    c.read_body();
    c.respond(200, "page");
    c.close();
  });
  Proxy proxy(first_a_then_b(fleet));
  HttpClient client = proxy.client();
  for (int i = 0; i < 200; ++i) CHECK(client.get("/").is_whole(200));
}

TEST_CASE("200 POSTs through backends that are killed again and again: none arrives twice, none is half a response") {
  Fleet fleet({"a", "b", "c"});
  fleet.on("*", [](Conversation& c) {
    if (c.read_body() == End::Whole) c.respond(200, c.arrival().id + " " + std::string(3000, '.'));
  });
  ProxyConfig config{.backends = fleet.configs(), .workers = 2, .sticky = "mode = \"none\"\n"};
  Proxy proxy(config);
  // Were the first of its kind in flight when a backend dies, it would be the suspect (docs/guards.md).
  REQUIRE(proxy.client().post("/buy", "b").is_whole(200));
  std::atomic<bool> over = false;
  std::thread killer([&] {
    std::minstd_rand chance(7);
    while (!over) {
      auto& victim = *std::next(fleet.all().begin(), static_cast<std::ptrdiff_t>(chance() % 2));  // "c" lives
      const auto seen = fleet.count();
      victim.crash();
      eventually([&] { return over || fleet.count() > seen + 3; });
      victim.restart();
      eventually([&] { return over || fleet.count() > seen + 6; });
    }
  });
  int served = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "p" + std::to_string(i);
    CAPTURE(id);
    HttpClient client = proxy.client();
    const Response response = client.post("/buy", std::string(500, 'b'), {{"X-Test-Id", id}});
    CAPTURE(response.text());
    CHECK(fleet.count(id) <= 1);
    if (response.is_whole(200)) {
      ++served;
      CHECK(response.body.starts_with(id + " "));
      CHECK(fleet.executed(id) == 1);
    } else {
      CHECK((response.status == 502 || response.status == 503 || response.end != End::Whole));
    }
  }
  over = true;
  killer.join();
  CHECK(served > 100);
  CHECK(proxy.stop() == 0);
}
