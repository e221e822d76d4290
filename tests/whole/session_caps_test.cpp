// max_sessions: how many users there may be at once, over all workers and proxies.

#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/facts.h"
#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

constexpr const char* kOwnCookie = "mode = \"cookie\"\n";

void end_on_demand(Fleet& fleet) {
  fleet.on("/logout", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Holdfast-Session: end\r\n\r\nbye");
  });
}

bool is_refused(const Response& response) {
  return response.is_whole(503) && response.field("Retry-After") == "10" &&
         response.body.find("As many people") != std::string::npos;
}

/// New users, all at once; those that were let in, with their cookies.
struct Crowd {
  template <class Choose>
  Crowd(int users, int threads, Choose proxy_of) {
    std::vector<std::thread> running;
    running.reserve(static_cast<std::size_t>(threads));
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([this, t, users, threads, proxy_of] {
        for (int i = t; i < users; i += threads) {
          HttpClient user = proxy_of(i).client();
          const Response response = user.get("/");
          const std::scoped_lock lock(mutex);
          if (response.is_whole(200) && !user.cookies().empty()) {
            let_in.push_back(user.cookies());
          } else if (is_refused(response)) {
            ++refused;
          } else {
            odd.push_back(response.text());
          }
        }
      });
    }
    for (std::thread& thread : running) thread.join();
  }

  std::mutex mutex;
  std::vector<std::map<std::string, std::string>> let_in;
  int refused = 0;
  std::vector<std::string> odd;
};

bool is_served(Proxy& proxy, const std::map<std::string, std::string>& cookies, const char* path = "/") {
  HttpClient user = proxy.client();
  user.cookies() = cookies;
  return user.get(path).is_whole(200);
}

}  // namespace

TEST_CASE("one proxy, two workers: exactly as many as may be, and a place that is freed is taken") {
  Fleet fleet({"a", "b", "c"});
  end_on_demand(fleet);
  Proxy proxy({.backends = fleet.configs(), .workers = 2, .pool = "max_sessions = 50\n", .sticky = kOwnCookie});
  const Crowd crowd(200, 8, [&](int) -> Proxy& { return proxy; });
  CHECK(crowd.let_in.size() == 50);
  CHECK(crowd.refused == 150);
  CHECK(crowd.odd.empty());
  for (const auto& cookies : crowd.let_in) CHECK(is_served(proxy, cookies));
  const nlohmann::json pool = proxy.status()["pools"]["app"];
  CHECK(pool["sessions"] == 50);
  CHECK(pool["sessions_max"] == 50);
  CHECK(pool["sessions_refused_total"] == 150);

  CHECK(is_served(proxy, crowd.let_in[7], "/logout"));
  const Crowd later(3, 1, [&](int) -> Proxy& { return proxy; });
  CHECK(later.let_in.size() == 1);
  CHECK(later.refused == 2);
}

TEST_CASE("a page for people, JSON for scripts") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs(), .pool = "max_sessions = 1\n", .sticky = kOwnCookie});
  REQUIRE(proxy.client().get("/").is_whole(200));
  const Response page = proxy.client().get("/", {{"Accept", "text/html"}});
  CHECK(page.is_whole(503));
  CHECK(page.body.find("<p>As many people as this service has room for") != std::string::npos);
  const Response json = proxy.client().get("/", {{"Accept", "application/json"}});
  CHECK(nlohmann::json::parse(json.body)["status"] == 503);
  CHECK(fleet["a"].count() == 1);
}

TEST_CASE("sessions of the app's: a login holds its place while the app thinks, what begins none takes none") {
  Latch go;
  Fleet fleet({"a", "b"});
  fleet.on("/login", [&](Conversation& c) {
    c.wait(go);
    c.respond(200, "in", "Set-Cookie: JSESSIONID=" + c.arrival().id + "; Path=/\r\n");
  });
  Proxy proxy({.backends = fleet.configs(),
               .workers = 2,
               .pool = "max_sessions = 5\n",
               .sticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n"});
  for (int i = 0; i < 20; ++i) CHECK(proxy.client().get("/").is_whole(200));
  CHECK(proxy.status()["pools"]["app"]["sessions"] == 0);

  std::atomic<int> refused = 0;
  std::atomic<int> let_in = 0;
  std::vector<std::thread> users;
  users.reserve(20);
  for (int i = 0; i < 20; ++i) {
    users.emplace_back([&, i] {
      const Response response =
          proxy.client().get("/login", {{"X-Test-Id", "user" + std::to_string(i)}}, Deadline{60s});
      if (response.is_whole(200)) ++let_in;
      if (is_refused(response)) ++refused;
    });
  }
  CHECK(eventually([&] { return refused == 15; }));
  go.open();
  for (std::thread& user : users) user.join();
  CHECK(let_in == 5);
  CHECK(proxy.status()["pools"]["app"]["sessions"] == 5);
  CHECK(is_refused(proxy.client().get("/")));
}

TEST_CASE("max_sessions of a backend: others take the new; who has to move is not refused") {
  Fleet fleet({"a", "b"});
  ProxyConfig config{.backends = fleet.configs(), .workers = 2, .sticky = kOwnCookie};
  config.backends[0].more = "max_sessions = 3\n";
  config.backends[1].more = "max_sessions = 5\n";
  Proxy proxy(config);
  const Crowd crowd(40, 8, [&](int) -> Proxy& { return proxy; });
  CHECK(crowd.let_in.size() == 8);
  CHECK(crowd.refused == 32);
  CHECK(crowd.odd.empty());
  CHECK(proxy.backend("a")["sessions"] == 3);
  CHECK(proxy.backend("b")["sessions"] == 5);
  CHECK(proxy.backend("b")["sessions_max"] == 5);

  fleet["a"].crash();
  for (const auto& cookies : crowd.let_in) CHECK(is_served(proxy, cookies));
  CHECK(proxy.backend("b")["sessions"] == 8);
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  CHECK(is_refused(proxy.client().get("/")));
}

TEST_CASE("two proxies, one Redis: 3,000 new users at once find 1,000 places, and freed ones are taken") {
  Fleet fleet({"a", "b", "c"});
  end_on_demand(fleet);
  Pair pair(fleet, kOwnCookie, kPatient, {}, "max_sessions = 1000\n");
  const auto either = [&](int i) -> Proxy& { return pair.proxy(i); };
  const Crowd crowd(3000, 16, either);
  note("max_sessions = 1000 over two proxies: " + std::to_string(crowd.let_in.size()) + " of 3000 let in");
  CHECK(crowd.odd.empty());
  CHECK(crowd.let_in.size() >= 1000);
  CHECK(crowd.let_in.size() <= 1010);
  CHECK(static_cast<int>(crowd.let_in.size()) + crowd.refused == 3000);
  for (std::size_t i = 0; i < crowd.let_in.size(); i += 50) {
    CHECK_MESSAGE(is_served(pair.two, crowd.let_in[i]), "who is in is in on both");
    CHECK(is_served(pair.one, crowd.let_in[i]));
  }
  // Whom the app has sent off leaves his place at once: there is nothing to wait for.
  for (std::size_t i = 0; i < 20; ++i) CHECK(is_served(pair.one, crowd.let_in[i], "/logout"));
  const auto released = Clock::now();
  std::size_t later = 0;
  CHECK(eventually([&] {
    later += Crowd(30, 4, either).let_in.size();
    return crowd.let_in.size() - 20 + later >= 1000;
  }));
  note("places freed by 20 logouts are taken after " +
       std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - released).count()) + " ms");
  later += Crowd(30, 4, either).let_in.size();
  CHECK(crowd.let_in.size() - 20 + later <= 1010);
}

TEST_CASE("an app session that the other proxy knows is not new, however full it is") {
  Fleet fleet({"a", "b"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", kPatient, {}, "max_sessions = 3\n");
  std::vector<std::string> backends;
  for (const char* id : {"u1", "u2", "u3"}) backends.push_back(ask(pair.one, id));
  CHECK(ask(pair.two, "u4").find("503") != std::string::npos);
  CHECK(ask(pair.one, "u4").find("503") != std::string::npos);
  for (int i = 0; i < 3; ++i)
    CHECK(ask(pair.two, "u" + std::to_string(i + 1)) == backends[static_cast<std::size_t>(i)]);
}

TEST_CASE("without Redis each proxy counts what it knows itself") {
  Fleet fleet({"a", "b"});
  Pair pair(fleet, kOwnCookie, {}, {}, "max_sessions = 4\n");
  const Crowd before(2, 1, [&](int) -> Proxy& { return pair.one; });
  REQUIRE(before.let_in.size() == 2);
  pair.redis.kill();
  REQUIRE(pair.is_redis("degraded"));
  const Crowd here(10, 2, [&](int) -> Proxy& { return pair.one; });
  CHECK(here.let_in.size() == 2);
  const Crowd there(10, 2, [&](int) -> Proxy& { return pair.two; });
  CHECK(there.let_in.size() == 4);
  for (const auto& cookies : before.let_in) CHECK(is_served(pair.two, cookies));
}
