// Taking a backend out: who is left stays until they leave by themselves or the deadline moves them, and holdfastctl
// knows how many that are.

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>

#include "tests/support/ctl.h"
#include "tests/support/fleet.h"
#include "tests/whole/load.h"
#include "tests/whole/members.h"
#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

constexpr const char* kByAppCookie = "mode = \"app_cookie\"\nnames = [\"connect.sid\"]\n";

/// The app's own count: a file for each session.
std::int64_t sessions_in(const std::filesystem::path& logins) {
  return std::distance(std::filesystem::directory_iterator(logins), std::filesystem::directory_iterator());
}

/// Users of the sample app, all of them on the backend that is the only one ready.
std::vector<HttpClient> log_in(const Proxy& proxy, int count) {
  std::vector<HttpClient> users;
  for (int i = 0; i < count; ++i) {
    HttpClient& user = users.emplace_back(proxy.port());
    REQUIRE(user.request({.method = "POST",
                          .target = "/login",
                          .fields = {{"Content-Type", "application/x-www-form-urlencoded"}},
                          .body = "user=u" + std::to_string(i)})
                .is_whole(303));
  }
  return users;
}

/// "a u7": who answered, and who the app takes the user for.
std::string who_am_i(HttpClient& user) {
  const Response response = user.get("/api/whoami");
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  if (!response.is_whole(200) || !json.is_object()) return "failed: " + response.text();
  return json.value("node", "?") + " " + json.value("user", "?");
}

bool has_tunnel(HttpClient& client, const std::string& session) {
  return client.connect() &&
         client.send(
             "GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Cookie: JSESSIONID=" +
             session + "\r\n\r\n") &&
         client.receive().status == 101;
}

void serve_tunnels(Fleet& fleet) {
  fleet.on("/ws", [](Conversation& talk) {
    talk.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    talk.echo();
  });
}

}  // namespace

TEST_CASE("200 users log out one by one: nobody is cut, each count is the app's own, exit 0 at the last") {
  const TempDir at_a;
  const TempDir at_b;
  AppServer a("a", at_a.path());
  AppServer b("b", at_b.path());
  Proxy proxy({.backends = {a.config(), b.config()}, .sticky = kByAppCookie});
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  std::vector<HttpClient> users = log_in(proxy, 200);
  REQUIRE(sessions_in(at_a.path()) == 200);
  REQUIRE(ctl(proxy, {"ready", "app/b"}).code == 0);
  REQUIRE(proxy.wait_for_state("b", "UP"));

  const auto waiting = start_ctl(proxy, {"drain", "app/a", "--wait"});
  REQUIRE(proxy.wait_for_state("a", "DRAINING"));
  REQUIRE(waiting->wait_for_line("app/a: 200 sessions left (200 active, 0 idle), 0 requests under way"));
  HttpClient stranger = proxy.client();
  CHECK(stranger.get("/").field("X-Node") == "b");
  for (std::size_t i = 0; i < users.size(); ++i) {
    CAPTURE(i);
    CHECK(who_am_i(users.back()) == "a u199");  // the last one stays at work
    CHECK(waiting->is_running());
    CHECK(who_am_i(users[i]) == "a u" + std::to_string(i));
    CHECK(users[i].get("/logout").is_whole(303));
    const std::int64_t left = sessions_in(at_a.path());
    CHECK(left == 199 - static_cast<std::int64_t>(i));
    CHECK(proxy.backend("a").value("sessions", -1) == left);
    if (i + 2 == users.size()) CHECK(waiting->wait_for_line("app/a: 1 session left (1 active, 0 idle)"));
  }
  CHECK(waiting->wait() == 0);
  CHECK(waiting->out().find("app/a: 0 sessions left, 0 requests under way") != std::string::npos);
  CHECK(proxy.process().wait_for_line(" backend_drained "));
  CHECK(proxy.backend("a").value("state", "") == "DRAINING");
  CHECK(proxy.backend("a").value("moved_away_total", -1) == 0);
}

TEST_CASE("the same with two proxies: both count for both") {
  Fleet fleet({"a", "b"});
  fleet.on("/out", [](Conversation& talk) {
    talk.read_body();
    talk.respond(200, talk.name(), "Set-Cookie: JSESSIONID=; Max-Age=0\r\n");
  });
  Members pair(fleet);
  REQUIRE(ctl(pair.one, {"maint", "app/b"}).code == 0);
  REQUIRE(pair.two.wait_for_state("b", "MAINT"));
  const auto name = [](int i) { return "user" + std::to_string(i); };
  for (int i = 0; i < 60; ++i) REQUIRE(ask(pair.proxy(i), name(i)) == "a");
  REQUIRE(ctl(pair.two, {"ready", "app/b"}).code == 0);
  REQUIRE(pair.one.wait_for_state("b", "UP"));
  const auto waiting = start_ctl(pair.two, {"drain", "app/a", "--wait"});
  REQUIRE(pair.one.wait_for_state("a", "DRAINING"));
  for (int i = 0; i < 60; ++i) {
    CAPTURE(i);
    CHECK(ask(pair.proxy(i + 1), name(i)) == "a");
    CHECK(pair.proxy(i).client().get("/out", {{"Cookie", "JSESSIONID=" + name(i)}}).body == "a");
    if (i % 20 != 19) continue;
    const auto left = 59 - i;
    const auto counts = [&](const Proxy& proxy) { return proxy.backend("a").value("sessions", -1) == left; };
    CHECK(eventually([&] { return counts(pair.one) && counts(pair.two); }));
    if (left > 0) CHECK(waiting->is_running());
  }
  CHECK(waiting->wait() == 0);
}

TEST_CASE("at the deadline the rest moves, without an error; what lasts goes last") {
  Latch finish;
  Fleet fleet({"a", "b", "c"});
  serve_tunnels(fleet);
  fleet.on("/stream", [](Conversation& talk) {
    talk.read_body();
    talk.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    talk.send("9\r\ndata: 1\n\n\r\n");
    talk.wait_for_peer_to_go();
  });
  fleet.on("/report", [&](Conversation& talk) {
    talk.read_body();
    talk.wait(finish);
    talk.respond(200, talk.name());
  });
  fleet.on("*", [](Conversation& talk) {
    talk.read_body();
    talk.respond(200, talk.name());
  });
  Proxy proxy({.backends = fleet.configs(), .sticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n"});
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 60; ++i) homes["user" + std::to_string(i)] = ask(proxy, "user" + std::to_string(i));
  const auto bound = std::find_if(homes.begin(), homes.end(), [](const auto& home) { return home.second == "a"; });
  REQUIRE(bound != homes.end());
  const std::string session = bound->first;
  HttpClient tunnel = proxy.client();
  REQUIRE(has_tunnel(tunnel, session));
  HttpClient stream = proxy.client();
  REQUIRE(stream.send("GET /stream HTTP/1.1\r\nHost: shop.test\r\nCookie: JSESSIONID=" + session + "\r\n\r\n"));
  HttpClient report = proxy.client();
  REQUIRE(report.send("GET /report HTTP/1.1\r\nHost: shop.test\r\nCookie: JSESSIONID=" + session + "\r\n\r\n"));
  REQUIRE(eventually([&] { return proxy.backend("a").value("requests_in_flight", 0) >= 3; }));

  Load load({.proxies = {&proxy}, .users = 60});
  REQUIRE(load.goes_on_for(100));
  const auto waiting = start_ctl(proxy, {"drain", "app/a", "--deadline", "2s", "--wait"});
  REQUIRE(waiting->wait_for_line("2 of them long-lived; deadline "));
  CHECK(peer_has_gone(tunnel.wire().socket()) == false);
  REQUIRE(proxy.process().wait_for_line(" drain_moved "));
  CHECK(tunnel.wait_for_end() == End::Nothing);
  CHECK(stream.receive().is_whole(200));  // ended in order, with its last chunk
  CHECK(proxy.backend("a").value("state", "") == "MAINT");
  CHECK(waiting->is_running());  // the report is still being written
  finish.open();
  CHECK(report.receive().body == "a");
  CHECK(waiting->wait() == 0);
  CHECK(ask(proxy, session) != "a");
  HttpClient again = proxy.client();
  CHECK(has_tunnel(again, session));
  REQUIRE(load.goes_on_for(100));
  load.stop();
  CHECK(load.troubles() == "");
  CHECK(proxy.backend("a").value("sessions", -1) == 0);
  CHECK(proxy.sum("sessions") == 60);
  CHECK(proxy.backend("a")["moved_away"].value("maint", 0) > 0);
}

TEST_CASE("two proxies move the rest once, and the waiting one sees the other's requests") {
  Latch finish;
  Fleet fleet({"a", "b", "c"});
  fleet.on("/report", [&](Conversation& talk) {
    talk.read_body();
    talk.wait(finish);
    talk.respond(200, talk.name());
  });
  fleet.on("*", [](Conversation& talk) {
    talk.read_body();
    talk.respond(200, talk.name());
  });
  Members pair(fleet);
  Load load({.proxies = {&pair.one, &pair.two}, .users = 60});
  REQUIRE(load.goes_on_for(200));
  std::string session;
  for (int i = 0; i < 60 && session.empty(); ++i) {
    if (ask(pair.one, "user" + std::to_string(i)) == "a") session = "user" + std::to_string(i);
  }
  REQUIRE_FALSE(session.empty());
  HttpClient report = pair.two.client();
  REQUIRE(report.send("GET /report HTTP/1.1\r\nHost: shop.test\r\nCookie: JSESSIONID=" + session + "\r\n\r\n"));
  REQUIRE(eventually([&] { return fleet["a"].in_flight() > 0; }));
  const auto waiting = start_ctl(pair.one, {"drain", "app/a", "--deadline", "1s", "--wait"});
  REQUIRE(waiting->wait_for_line("app/a: 0 sessions left, 1 request under way"));
  CHECK(waiting->is_running());
  finish.open();
  CHECK(report.receive().body == "a");
  CHECK(waiting->wait() == 0);
  REQUIRE(load.goes_on_for(200));
  load.stop();
  CHECK(load.troubles() == "");
  const auto moved = [](const Proxy& proxy) { return proxy.backend("a").value("sessions", -1) == 0; };
  CHECK(eventually([&] { return moved(pair.one) && moved(pair.two); }));
}

TEST_CASE("kill -9: the drain, its deadline and its users are there again, and the wait goes on") {
  Fleet fleet({"a", "b"});
  ProxyConfig config{.backends = fleet.configs(), .sessions = "idle_timeout = \"4s\"\n"};
  Proxy proxy(config, {.environment = {"HOLDFAST_SECRET=the same secret before and after the kill"}});
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  HttpClient user = proxy.client();
  REQUIRE(user.get("/").body == "a");
  REQUIRE(ctl(proxy, {"ready", "app/b"}).code == 0);
  REQUIRE(proxy.wait_for_state("b", "UP"));
  REQUIRE(ctl(proxy, {"drain", "app/a", "--deadline", "1h"}).code == 0);
  const auto deadline = proxy.backend("a")["deadline"];
  proxy.kill_hard();
  proxy.start_again(Proxy::Wait::Listening);
  REQUIRE(proxy.wait_for_state("a", "DRAINING"));
  CHECK(proxy.backend("a")["deadline"] == deadline);
  CHECK(proxy.backend("a")["drain"]["counted"] == false);
  const auto waiting = start_ctl(proxy, {"drain", "app/a", "--wait"});
  REQUIRE(waiting->wait_for_line("DRAINING"));
  HttpClient back = proxy.client();
  back.cookies() = user.cookies();
  CHECK(back.get("/").body == "a");
  CHECK(proxy.client().get("/").body == "b");
  CHECK(waiting->wait() == 0);  // the last one has been idle for too long
}

TEST_CASE("a deadline that passes while no proxy lives holds at the next start") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs()},
              {.environment = {"HOLDFAST_SECRET=the same secret before and after the kill"}});
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  HttpClient user = proxy.client();
  REQUIRE(user.get("/").body == "a");
  REQUIRE(ctl(proxy, {"ready", "app/b"}).code == 0);
  REQUIRE(proxy.wait_for_state("b", "UP"));
  REQUIRE(ctl(proxy, {"drain", "app/a", "--deadline", "300ms"}).code == 0);
  const Deadline passed{300ms};
  proxy.kill_hard();
  CHECK(eventually([&] { return passed.passed(); }));
  proxy.start_again(Proxy::Wait::Listening);
  REQUIRE(proxy.wait_for_state("a", "MAINT"));
  REQUIRE(proxy.wait_for_state("b", "UP"));
  HttpClient back = proxy.client();
  back.cookies() = user.cookies();
  CHECK(back.get("/").body == "b");
  CHECK(ctl(proxy, {"drain", "app/b", "--deadline", "soon"}).code == 2);
}

TEST_CASE("a wait ends with 1 when the drain is taken back, or the proxy does not know the backend") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs()});
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  HttpClient user = proxy.client();
  REQUIRE(user.get("/").body == "a");
  const auto waiting = start_ctl(proxy, {"drain", "app/a", "--wait"});
  REQUIRE(waiting->wait_for_line("1 session left"));
  REQUIRE(ctl(proxy, {"ready", "app/a"}).code == 0);
  CHECK(waiting->wait() == 1);
  CHECK(waiting->err().find("app/a was set to ready meanwhile") != std::string::npos);
  const Finished unknown = ctl(proxy, {"drain", "app/x", "--wait"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err.find("no backend of that name in pool app; there are: a, b") != std::string::npos);
}
