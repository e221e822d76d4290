// Two proxies, one session map in a real Redis.

#include <doctest/doctest.h>

#include <algorithm>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/facts.h"
#include "tests/whole/load.h"
#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

constexpr int kParallel = 4;

/// Parallel requests that show the same app session, over both proxies; answers how many were not served.
int ask_in_parallel(Pair& pair, int sessions, const std::string& prefix) {
  std::barrier start(kParallel);
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  threads.reserve(kParallel);
  for (int t = 0; t < kParallel; ++t) {
    threads.emplace_back([&, t] {
      for (int session = 0; session < sessions; ++session) {
        HttpClient client = pair.proxy(t).client();
        const std::string id = prefix + std::to_string(session);
        const bool connected = client.connect();
        start.arrive_and_wait();
        if (!connected || !client.get("/", {{"Cookie", "JSESSIONID=" + id}, {"X-Test-Id", id}}).is_whole(200)) ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return failed;
}

void check_none_is_split(Fleet& fleet, int sessions, const std::string& prefix) {
  for (int session = 0; session < sessions; ++session) {
    const std::string id = prefix + std::to_string(session);
    CAPTURE(id);
    CHECK(fleet.count(id) == kParallel);
    for (auto& backend : fleet.all()) CHECK((backend.count(id) == 0 || backend.count(id) == kParallel));
  }
}

}  // namespace

TEST_CASE("50 sessions, 4 parallel first requests each over two proxies: none is split") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 50ms);
  Pair pair(fleet);
  CHECK(ask_in_parallel(pair, 50, "first") == 0);
  check_none_is_split(fleet, 50, "first");
}

TEST_CASE("a backend dies: both proxies move a session to the same backend") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet);
  CHECK(ask_in_parallel(pair, 40, "known") == 0);
  fleet["a"].crash();
  // The same sessions again: their old requests do not count.
  work_on_all(fleet, 20ms);
  std::barrier start(kParallel);
  std::array<std::array<std::string, 40>, kParallel> served;
  std::vector<std::thread> threads;
  threads.reserve(kParallel);
  for (int t = 0; t < kParallel; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t session = 0; session < 40; ++session) {
        start.arrive_and_wait();
        served[static_cast<std::size_t>(t)][session] = ask(pair.proxy(t), "known" + std::to_string(session));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t session = 0; session < 40; ++session) {
    CAPTURE(session);
    CHECK((served[0][session] == "b" || served[0][session] == "c"));
    for (std::size_t t = 1; t < kParallel; ++t) CHECK(served[t][session] == served[0][session]);
  }
}

TEST_CASE("60 users at work on both proxies while their backend is killed: no error, and the proxies agree on each") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 5ms);
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", kPatient);
  Load load({.proxies = {&pair.one, &pair.two}, .users = 60, .threads = 6});
  REQUIRE(load.goes_on_for(360));
  fleet["a"].crash();
  for (const Proxy* proxy : {&pair.one, &pair.two}) CHECK(proxy->wait_for_state("a", "DOWN"));
  REQUIRE(load.goes_on_for(360));
  const auto& all = load.stop();
  INFO(load.troubles());
  CHECK(load.troubles().empty());
  CHECK(load.split_users("a").empty());
  // Who was not at home there has not been moved at all.
  std::map<int, std::string> first;
  for (const Load::Request& request : all) {
    const auto& home = first.try_emplace(request.user, request.backend).first->second;
    if (home != "a") CHECK(request.backend == home);
  }
  for (int user = 0; user < 60; ++user) {
    CAPTURE(user);
    const std::string at = ask(pair.one, "user" + std::to_string(user));
    CHECK(at != "a");
    CHECK(ask(pair.two, "user" + std::to_string(user)) == at);
  }
}

TEST_CASE("our own cookie, made by one proxy, is kept by the other, also after a move") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"cookie\"\n");
  for (int i = 0; i < 12; ++i) {
    HttpClient user = pair.one.client();
    const std::string home = user.get("/").body;
    HttpClient elsewhere = pair.two.client();
    elsewhere.cookies() = user.cookies();
    CHECK(elsewhere.get("/").body == home);
  }
  HttpClient user = pair.one.client();
  const std::string home = user.get("/").body;
  fleet[home].crash();
  const std::string refuge = user.get("/").body;
  CHECK(refuge != home);
  HttpClient elsewhere = pair.two.client();
  elsewhere.cookies() = user.cookies();
  CHECK(elsewhere.get("/").body == refuge);
}

TEST_CASE("operators list, move and end sessions; every proxy obeys with the next request") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"cookie\"\n", kPatient);
  HttpClient user = pair.one.client();
  const std::string home = user.get("/").body;
  HttpClient elsewhere = pair.two.client();
  elsewhere.cookies() = user.cookies();
  CHECK(elsewhere.get("/").body == home);

  HttpClient admin(pair.two.admin_port());
  const auto order = [&](const std::string& path, const std::string& body) {
    return admin.request({.method = "POST",
                          .target = "/api/v1/" + path,
                          .fields = {{"Content-Type", "application/json"}},
                          .body = body,
                          .host = "127.0.0.1"});
  };
  const auto listed = [&] {
    const Response response = admin.request({.target = "/api/v1/sessions", .host = "127.0.0.1"});
    return nlohmann::json::parse(response.body, nullptr, false)["sessions"];
  };
  REQUIRE(eventually([&] { return listed().size() == 1; }));
  const auto session = listed()[0];
  CHECK(session["backend"] == home);
  const std::string id = session["id"];

  const std::string refuge = home == "a" ? "b" : "a";
  CHECK(order("sessions/" + id + "/move", R"({"to":"app/)" + refuge + "\"}").body.find("\"confirmed\":true") !=
        std::string::npos);
  CHECK(user.get("/").body == refuge);
  CHECK(elsewhere.get("/").body == refuge);
  CHECK(listed()[0]["last_move"]["from"] == home);
  CHECK(listed()[0]["last_move"]["reason"] == "operator");
  CHECK(pair.two.backend(home)["moved_away"] == nlohmann::json{{"operator", 1}});
  CHECK(pair.one.sum("moved_away_total") == 0);

  const auto old = user.cookies();
  CHECK(order("sessions/" + id + "/end", "{}").is_whole(200));
  CHECK(listed().empty());
  for (HttpClient* client : {&user, &elsewhere}) {
    client->cookies() = old;
    CHECK(set_cookie_of(client->get("/"), "holdfast").has_value());
  }

  CHECK(order("pools/app/backends/" + refuge + "/sessions/move", "{}").is_whole(200));
  CHECK(order("pools/app/sessions/end", "{}").is_whole(200));
  CHECK(eventually([&] { return listed().empty(); }));
}

TEST_CASE("Redis hangs, is killed, comes back empty: no request fails, nobody leaves their backend, all converge") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", "timeout = \"100ms\"\n");
  std::map<std::string, std::string> home;
  for (int i = 0; i < 30; ++i) {
    const std::string id = "user" + std::to_string(i);
    home[id] = ask(pair.proxy(i), id);
  }
  const auto all_at_home = [&](int proxy) {
    for (const auto& session : home) {
      CAPTURE(session.first);
      CHECK(ask(pair.proxy(proxy), session.first) == session.second);
    }
  };
  all_at_home(0);
  all_at_home(1);

  pair.redis.hang();
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    const std::string id = "late" + std::to_string(i);
    home[id] = ask(pair.one, id);
    CHECK(home[id] == ask(pair.two, id));  // without talking, by the same hash
  }
  all_at_home(0);
  all_at_home(1);
  // Each worker of each proxy has waited for one timeout at most, whatever was asked.
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK(pair.is_redis("degraded"));
  CHECK(pair.one.status()["redis"].value("reason", "") == "timeout");

  pair.redis.go_on();
  CHECK(pair.is_redis("ok"));
  all_at_home(0);
  all_at_home(1);

  pair.redis.kill();
  CHECK(pair.is_redis("degraded"));
  all_at_home(0);
  pair.redis.start();
  CHECK(pair.is_redis("ok"));
  // What one proxy remembers reaches the map without anybody's request.
  CHECK(eventually([&] { return std::stoul(pair.redis.command("DBSIZE").substr(1)) >= home.size(); }));
  all_at_home(1);
}

TEST_CASE("a proxy is killed: its users go on through the other; both restarted: their backends are known") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet);
  std::map<std::string, std::string> home;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "user" + std::to_string(i);
    home[id] = ask(pair.one, id);
  }
  pair.one.kill_hard();
  for (const auto& [id, backend] : home) CHECK(ask(pair.two, id) == backend);
  pair.two.kill_hard();
  pair.one.start_again();
  pair.two.start_again();
  REQUIRE(pair.is_redis("ok"));
  for (const auto& [id, backend] : home) {
    CHECK(ask(pair.one, id) == backend);
    CHECK(ask(pair.two, id) == backend);
  }
}

TEST_CASE("Redis and both proxies restarted: our own cookie still says where to go") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"cookie\"\n");
  HttpClient user = pair.one.client();
  const std::string home = user.get("/").body;
  pair.one.kill_hard();
  pair.two.kill_hard();
  pair.redis.kill();
  pair.redis.start();
  pair.one.start_again();
  pair.two.start_again();
  REQUIRE(pair.is_redis("ok"));
  HttpClient elsewhere = pair.two.client();
  elsewhere.cookies() = user.cookies();
  CHECK(elsewhere.get("/").body == home);
}

namespace {

/// How often Redis has run a command of ours.
std::uint64_t scripts_run(Pair& pair) {
  const std::string stats = pair.redis.text("INFO commandstats");
  const std::size_t at = stats.find("cmdstat_evalsha:calls=");
  return at == std::string::npos ? 0 : std::stoull(stats.substr(at + 22));
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
auto count_lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

constexpr const char* kDump =
    "EVAL \"local out = '' for _, k in ipairs(redis.call('KEYS', '*')) do out = out .. k .. ' ' "
    "local t = redis.call('TYPE', k).ok "
    "if t == 'string' then out = out .. redis.call('GET', k) .. ' ' "
    "elseif t == 'zset' then out = out .. table.concat(redis.call('ZRANGE', k, 0, -1), ' ') .. ' ' "
    "elseif t == 'hash' then out = out .. table.concat(redis.call('HGETALL', k), ' ') .. ' ' end end return out\" 0";

}  // namespace

TEST_CASE("what a session costs in commands: a hit none, a new one one") {
  Fleet fleet({"a", "b"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet);
  HttpClient client = pair.one.client();
  for (int i = 0; i < 20; ++i) client.get("/", {{"Cookie", "JSESSIONID=s" + std::to_string(i)}});
  const std::uint64_t before = scripts_run(pair);
  const auto began = std::chrono::steady_clock::now();
  constexpr int kHits = 10'000;
  for (int i = 0; i < kHits; ++i) {
    REQUIRE(client.get("/", {{"Cookie", "JSESSIONID=s" + std::to_string(i % 20)}}).is_whole(200));
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count();
  // Both proxies count and renew their lease once a second; uses are told once a second by whoever has any.
  const std::uint64_t ran = scripts_run(pair) - before;
  note(std::to_string(kHits) + " hits in " + std::to_string(seconds) + " s: " + std::to_string(ran) +
       " scripts of both proxies' upkeep");
  CHECK(ran <= 8 * (static_cast<std::uint64_t>(seconds) + 2));

  const std::uint64_t between = scripts_run(pair);
  const auto again = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(client.get("/", {{"Cookie", "JSESSIONID=new" + std::to_string(i)}}).is_whole(200));
  }
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - again).count();
  const std::uint64_t for_new = scripts_run(pair) - between;
  note("1,000 new sessions in " + std::to_string(took) + " s: " + std::to_string(for_new) +
       " scripts, upkeep included");
  CHECK(for_new <= 1000 + 8 * (static_cast<std::uint64_t>(took) + 2));
}

TEST_CASE("neither the app's session ids nor our cookie stand anywhere but with the client") {
  for (const std::string& sticky :
       {std::string("mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n"), std::string("mode = \"cookie\"\n")}) {
    CAPTURE(sticky);
    Fleet fleet({"a", "b"});
    work_on_all(fleet, 0ms);
    TempDir logs;
    const auto log = logs.path() / "access.log";
    Pair pair(fleet, sticky, kPatient, "access_log = { path = \"" + log.string() + "\" }\n");
    HttpClient client = pair.one.client();
    client.cookies()["JSESSIONID"] = "raw0session0id";
    for (int i = 0; i < 3; ++i) REQUIRE(client.get("/page;jsessionid=raw0session0id?x=raw0session0id").is_whole(200));
    fleet["a"].crash();
    fleet["b"].crash();
    client.get("/");
    const std::string cookie =
        client.cookies().contains("holdfast") ? client.cookies()["holdfast"] : "no cookie of ours";
    HttpClient admin(pair.one.admin_port());
    REQUIRE(eventually([&] { return count_lines(read_file(log)) >= 4; }));
    std::string all = pair.redis.text(kDump) + pair.one.process().err() + read_file(log);
    CHECK(all.find("\"/page") != std::string::npos);
    for (const char* path : {"/", "/metrics", "/api/v1/status", "/api/v1/sessions", "/api/v1/cluster"}) {
      all += admin.request({.target = path, .host = "127.0.0.1"}).body;
    }
    CHECK(all.find(":{app}:s:") != std::string::npos);
    CHECK(all.find("raw0session0id") == std::string::npos);
    CHECK(all.find(cookie) == std::string::npos);
    CHECK(all.find("the same secret") == std::string::npos);
  }
}
