// What is ended on one proxy is over on the other with the next request: every time, not after a while.

#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

constexpr int kEnds = 100;

/// Is this session's cookie of ours still good? (Who shows one that is not gets a new one.)
bool is_known(HttpClient& client, const std::map<std::string, std::string>& cookies) {
  client.cookies() = cookies;
  const Response response = client.get("/");
  return response.is_whole(200) && !set_cookie_of(response, "holdfast");
}

std::size_t sessions_with_redis(const Pair& pair) {
  return std::stoul(pair.redis.command("EVAL \"return #redis.call('KEYS','*:s:*')\" 0").substr(1));
}

}  // namespace

TEST_CASE("ended by the app's response: unknown on the other proxy with the next request, 100 of 100 both ways") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  fleet.on("/logout", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Holdfast-Session: end\r\n\r\nbye");
  });
  Pair pair(fleet, "mode = \"cookie\"\n", kPatient);
  int alive = 0;
  for (int i = 0; i < 2 * kEnds; ++i) {
    HttpClient user = pair.proxy(i).client();
    HttpClient elsewhere = pair.proxy(i + 1).client();
    REQUIRE(user.get("/").is_whole(200));
    const auto cookies = user.cookies();
    elsewhere.cookies() = cookies;
    REQUIRE(elsewhere.get("/").is_whole(200));  // from now on it knows the session, and may answer from its copy
    REQUIRE(is_known(elsewhere, cookies));
    REQUIRE(user.get("/logout").body == "bye");
    if (is_known(elsewhere, cookies) || is_known(user, cookies)) ++alive;
  }
  CHECK(alive == 0);
}

TEST_CASE("the app lets its cookie expire: the old session is unknown on the other proxy, 100 of 100 both ways") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  // What holds after an end is what the first request after it binds anew: the other proxy must not say "kept".
  fleet.on("/logout", [](Conversation& c) {
    c.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: JSESSIONID=; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
        "bye");
  });
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", kPatient, "access_log = { path = \"-\" }\n");
  int alive = 0;
  for (int i = 0; i < 2 * kEnds; ++i) {
    const std::string id = "user" + std::to_string(i);
    ask(pair.proxy(i), id);
    ask(pair.proxy(i + 1), id);
    REQUIRE(pair.proxy(i).client().get("/logout", {{"Cookie", "JSESSIONID=" + id}}).body == "bye");
    const Response after =
        pair.proxy(i + 1).client().get("/after" + std::to_string(i), {{"Cookie", "JSESSIONID=" + id}});
    REQUIRE(after.is_whole(200));
    const auto line = pair.proxy(i + 1).process().wait_for_line("/after" + std::to_string(i) + "\"");
    REQUIRE(line.has_value());
    if (line->find("\"unknown\"") == std::string::npos) ++alive;
  }
  CHECK(alive == 0);
}

TEST_CASE("ended by the API: when it has answered, no proxy knows the session, 100 of 100 both ways") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"cookie\"\n", kPatient);
  int alive = 0;
  for (int i = 0; i < 2 * kEnds; ++i) {
    HttpClient user = pair.proxy(i).client();
    HttpClient elsewhere = pair.proxy(i + 1).client();
    REQUIRE(user.get("/").is_whole(200));
    const auto cookies = user.cookies();
    elsewhere.cookies() = cookies;
    REQUIRE(elsewhere.get("/").is_whole(200));
    HttpClient admin(pair.proxy(i).admin_port());
    nlohmann::json listed;
    REQUIRE(eventually([&] {
      listed = nlohmann::json::parse(admin.request({.target = "/api/v1/sessions", .host = "127.0.0.1"}).body);
      return listed["sessions"].size() == 1;
    }));
    const Response ended =
        admin.request({.method = "POST",
                       .target = "/api/v1/sessions/" + listed["sessions"][0].value("id", "") + "/end",
                       .fields = {{"Content-Type", "application/json"}},
                       .body = "{}",
                       .host = "127.0.0.1"});
    REQUIRE(ended.is_whole(200));
    CHECK(ended.body.find("\"confirmed\":true") != std::string::npos);
    const bool knows = is_known(elsewhere, cookies) || is_known(user, cookies);
    if (knows) ++alive;
    // Those that took its place, so that the next list has one again.
    admin.request({.method = "POST",
                   .target = "/api/v1/pools/app/sessions/end",
                   .fields = {{"Content-Type", "application/json"}},
                   .body = "{}",
                   .host = "127.0.0.1"});
  }
  CHECK(alive == 0);
}

TEST_CASE("a proxy that does not answer holds up an end for [redis] timeout at most; without Redis nothing does") {
  constexpr auto kTimeout = 2s;
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  fleet.on("/logout", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Holdfast-Session: end\r\n\r\nbye");
  });
  Pair pair(fleet, "mode = \"cookie\"\n", "timeout = \"" + std::to_string(kTimeout.count()) + "s\"\n");
  HttpClient user = pair.one.client();
  REQUIRE(user.get("/").is_whole(200));
  auto cookies = user.cookies();
  HttpClient elsewhere = pair.two.client();
  elsewhere.cookies() = cookies;
  REQUIRE(elsewhere.get("/").is_whole(200));  // gives the cookie anew: when it was given is known to the first alone
  REQUIRE(is_known(elsewhere, cookies));

  pair.two.process().signal(SIGSTOP);
  const auto began = Clock::now();
  CHECK(user.get("/logout").body == "bye");
  const auto waited = Clock::now() - began;
  CHECK(waited < kTimeout + 2s);
  pair.two.process().signal(SIGCONT);
  CHECK(eventually([&] { return !is_known(elsewhere, cookies); }));

  // Redis away: the end holds here at once, and everywhere when Redis is back.
  user.cookies().clear();
  REQUIRE(user.get("/").is_whole(200));
  cookies = user.cookies();
  elsewhere.cookies() = cookies;
  REQUIRE(elsewhere.get("/").is_whole(200));
  REQUIRE(is_known(elsewhere, cookies));
  pair.redis.kill();
  REQUIRE(pair.is_redis("degraded"));
  const auto again = Clock::now();
  CHECK(user.get("/logout").body == "bye");
  CHECK(Clock::now() - again < kTimeout);
  CHECK_FALSE(is_known(user, cookies));
  CHECK(is_known(elsewhere, cookies));
  pair.redis.start();
  REQUIRE(pair.is_redis("ok"));
  CHECK(eventually([&] { return !is_known(elsewhere, cookies); }));
  CHECK(sessions_with_redis(pair) > 0);
}
