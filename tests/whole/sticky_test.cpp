// Who is kept on which backend, by what, and for how long.

#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "base/text.h"
#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

std::string backend_of(const Response& response) {
  return response.is_whole(200) ? response.field("X-Node").value_or("?") : response.text();
}

Fleet three_backends() { return Fleet({"a", "b", "c"}); }

/// Scripts that do what an Express app does: a session at /login, its end at /logout.
void be_an_app(Fleet& fleet) {
  fleet.on("*", [](Conversation& c) { c.read_body(), c.respond(200, "page"); });
  fleet.on("/login", [](Conversation& c) {
    c.read_body();
    c.respond(200, "in", "Set-Cookie: connect.sid=s%3A" + c.arrival().id + "; Path=/; HttpOnly\r\n");
  });
  fleet.on("/logout", [](Conversation& c) {
    c.read_body();
    c.respond(200, "out", "Set-Cookie: connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  });
}

std::int64_t sessions(const Proxy& proxy) {
  const auto status = proxy.status();
  const nlohmann::json::json_pointer at("/pools/app/sessions");
  return status.contains(at) ? status.at(at).get<std::int64_t>() : -1;
}

}  // namespace

TEST_CASE("our cookie: attributes, opacity, one backend for one browser, all backends for many") {
  Fleet fleet = three_backends();
  Proxy proxy({.backends = fleet.configs(), .workers = 4});
  std::set<std::string> backends;
  for (int user = 0; user < 30; ++user) {
    HttpClient first = proxy.client();
    const Response response = first.get("/");
    const std::string backend = backend_of(response);
    backends.insert(backend);
    const auto cookie = set_cookie_of(response, "holdfast");
    REQUIRE(cookie);
    const std::string lower = holdfast::base::to_lower(*cookie);
    for (const char* want : {"httponly", "samesite=lax", "path=/"}) CHECK(lower.find(want) != std::string::npos);
    // A session cookie on plain HTTP; nothing in it tells where we went.
    for (const char* never : {"secure", "max-age", "expires", "domain", "127.0.0.1"})
      CHECK(lower.find(never) == std::string::npos);
    CHECK(cookie->find(std::to_string(fleet[backend].port())) == std::string::npos);
    for (int i = 0; i < 5; ++i) {
      HttpClient again = proxy.client();  // another connection, perhaps another worker
      again.cookies() = first.cookies();
      const Response next = again.get("/deep/link");
      CHECK(backend_of(next) == backend);
      CHECK_FALSE(set_cookie_of(next, "holdfast"));
    }
    CHECK(fleet[backend].arrivals().back().head.field("Cookie").value_or("").find("holdfast=") == std::string::npos);
  }
  CHECK(backends.size() == 3);
}

TEST_CASE("the app's own cookies reach it when ours is taken out") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()});
  HttpClient client = proxy.client();
  client.cookies() = {{"first", "1"}, {"zlast", "2"}};
  REQUIRE(client.get("/").is_whole(200));
  REQUIRE(client.get("/").is_whole(200));
  CHECK(fleet["a"].arrivals().back().head.field("Cookie") == "first=1; zlast=2");
}

TEST_CASE("a forged cookie starts a new session and chooses nothing") {
  Fleet fleet = three_backends();
  Proxy proxy({.backends = fleet.configs(), .server = "access_log = { path = \"-\", format = \"json\" }\n"});
  HttpClient honest = proxy.client();
  REQUIRE(honest.get("/").is_whole(200));
  const std::string good = honest.cookies().at("holdfast");
  std::vector<std::string> forged = {"x", std::string(good.size(), 'A'), good + "A", good.substr(1)};
  for (const std::size_t at : {std::size_t{0}, good.size() / 4, good.size() / 2, good.size() - 2}) {
    std::string bent = good;
    bent[at] = bent[at] == 'A' ? 'B' : 'A';
    forged.push_back(bent);
  }
  // The map may know the id of one whose other parts were bent; after a restart only the MAC can vouch for it.
  proxy.restart();
  for (const auto& value : forged) {
    CAPTURE(value);
    HttpClient client = proxy.client();
    client.cookies()["holdfast"] = value;
    const Response response = client.get("/");
    CHECK(response.is_whole(200));
    REQUIRE(set_cookie_of(response, "holdfast"));
    CHECK(client.cookies().at("holdfast") != value);
  }
  CHECK(proxy.process().wait_for_line("forged").has_value());
}

TEST_CASE("a session that was idle too long is new again") {
  Latch nobody;
  Fleet fleet = three_backends();
  Proxy proxy({.backends = fleet.configs(), .sessions = "idle_timeout = \"1s\"\n"});
  HttpClient client = proxy.client();
  REQUIRE(client.get("/").is_whole(200));
  const std::string before = client.cookies().at("holdfast");
  nobody.wait(Deadline{2500ms});  // the time itself is what is tested
  CHECK(set_cookie_of(client.get("/"), "holdfast"));
  CHECK(client.cookies().at("holdfast") != before);
}

TEST_CASE("after a restart with the same secret, a cookie still leads to its backend") {
  Fleet fleet = three_backends();
  Proxy proxy({.backends = fleet.configs()});
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> users;
  for (int i = 0; i < 30; ++i) {
    HttpClient client = proxy.client();
    const std::string backend = backend_of(client.get("/"));
    users.emplace_back(backend, client.cookies());
  }
  proxy.restart();
  for (const auto& [backend, cookies] : users) {
    HttpClient client = proxy.client();
    client.cookies() = cookies;
    CHECK(backend_of(client.get("/")) == backend);
  }
}

TEST_CASE("the app's cookie: learned when given, kept, ended by the app, never told") {
  Fleet fleet = three_backends();
  be_an_app(fleet);
  Proxy proxy(
      {.backends = fleet.configs(),
       .server = "access_log = { path = \"-\", format = \"json\" }\nlog = { level = \"debug\", format = \"text\" }\n",
       .sticky = "mode = \"app_cookie\"\nnames = [\"connect.sid\"]\n"});
  std::set<std::string> backends;
  std::vector<HttpClient> users;
  for (int i = 0; i < 40; ++i) {
    HttpClient& user = users.emplace_back(proxy.client());
    const Response response = user.get("/login", {{"X-Test-Id", "verysecret" + std::to_string(i)}});
    CHECK_FALSE(set_cookie_of(response, "holdfast"));
    const std::string backend = backend_of(response);
    backends.insert(backend);
    for (int again = 0; again < 4; ++again) {
      HttpClient tab = proxy.client();
      tab.cookies() = user.cookies();
      CHECK(backend_of(tab.get("/page")) == backend);
    }
  }
  CHECK(backends.size() == 3);
  CHECK(eventually([&] { return sessions(proxy) == 40; }));
  for (auto& user : users) CHECK(user.get("/logout").is_whole(200));
  CHECK(eventually([&] { return sessions(proxy) == 0; }));
  CHECK(proxy.stop() == 0);
  CHECK((proxy.process().err() + proxy.process().out()).find("verysecret") == std::string::npos);
}

TEST_CASE("a header carries the session of clients without a cookie jar") {
  Fleet fleet = three_backends();
  Proxy proxy({.backends = fleet.configs(), .sticky = "mode = \"header\"\nnames = [\"X-Authentication\"]\n"});
  std::set<std::string> backends;
  for (int i = 0; i < 40; ++i) {
    const std::vector<WireField> token = {{"X-Authentication", "token-" + std::to_string(i)}};
    const Response first = proxy.client().get("/", token);
    CHECK_FALSE(first.field("Set-Cookie"));
    backends.insert(backend_of(first));
    for (int again = 0; again < 4; ++again) CHECK(backend_of(proxy.client().get("/", token)) == backend_of(first));
  }
  CHECK(backends.size() == 3);
}

TEST_CASE("source_ip keeps an address together, none keeps nobody") {
  for (const std::string mode : {"source_ip", "none"}) {
    CAPTURE(mode);
    Fleet fleet = three_backends();
    Proxy proxy(
        {.backends = fleet.configs(), .pool = "balance = \"round_robin\"\n", .sticky = "mode = \"" + mode + "\"\n"});
    std::set<std::string> backends;
    for (int i = 0; i < 40; ++i) {
      const Response response = proxy.client().get("/");
      CHECK_FALSE(response.field("Set-Cookie"));
      backends.insert(backend_of(response));
    }
    CHECK(backends.size() == (mode == "none" ? 3 : 1));
  }
}

TEST_CASE("what happens to a user whose backend is down: move, temporary, refuse") {
  struct Row {
    std::string mode;
    bool is_served;
    bool returns;
  };
  for (const Row& row : {Row{"move", true, false}, Row{"temporary", true, true}, Row{"refuse", false, true}}) {
    CAPTURE(row.mode);
    Fleet fleet = three_backends();
    Proxy proxy({.backends = fleet.configs(), .sticky = "failover = \"" + row.mode + "\"\n"});
    HttpClient client = proxy.client();
    const std::string home = backend_of(client.get("/"));
    fleet[home].crash();
    REQUIRE(proxy.wait_for_state(home, "DOWN"));
    Response away = client.get("/");
    if (row.is_served) {
      CHECK(away.is_whole(200));
      CHECK(backend_of(away) != home);
      CHECK(backend_of(client.get("/")) == backend_of(away));
    } else {
      // The status may know of it a moment before the worker does: then the connection is refused, and that said.
      CHECK(eventually([&] { return !away.is_whole(502) || (away = client.get("/"), false); }));
      CHECK_MESSAGE(away.is_whole(503), away.text());
      CHECK_FALSE(away.field("Set-Cookie"));
    }
    fleet[home].restart();
    REQUIRE(proxy.wait_for_state(home, "UP"));
    if (row.returns) {
      CHECK(eventually([&] { return backend_of(client.get("/")) == home; }));
    } else {
      CHECK(backend_of(client.get("/")) != home);
    }
  }
}
