// Users at work while Redis hangs, is killed, fails over: nobody sees an error, nobody changes backends.

#include <doctest/doctest.h>

#include "tests/support/facts.h"
#include "tests/whole/load.h"
#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

constexpr int kThreads = 4;
// HOLDFAST_FULL=1: the full length and load.
auto outage() { return wants_full_size() ? 10s : 2s; }
int per_second() { return wants_full_size() ? 1000 : is_sanitized() ? 100 : 400; }

std::string text_of(Clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

void wait_while_down(const Load& load, Clock::duration time) {
  const auto until = Clock::now() + time;
  CHECK(eventually([&] { return Clock::now() >= until && load.count() > 0; }, Deadline{60s}));
}

struct Sentinels {
  Sentinels() {
    for (RedisServer* replica : {&one, &two}) {
      REQUIRE(replica->command("REPLICAOF 127.0.0.1 " + std::to_string(master.port())) == "+OK");
    }
    for (auto& watcher : watchers) watcher = std::make_unique<RedisSentinel>(master, 2);
    for (auto& watcher : watchers) {
      REQUIRE(eventually([&] { return watcher->replicas() == 2 && watcher->sentinels() == 3; }, Deadline{60s}));
    }
  }
  std::string tables() const {
    std::string list;
    for (const auto& watcher : watchers) list += (list.empty() ? "\"" : ", \"") + watcher->address() + "\"";
    return "[redis]\nsentinels = [" + list + "]\nmaster = \"shop\"\ntimeout = \"500ms\"\n";
  }
  RedisServer& server(std::uint16_t port) { return port == one.port() ? one : port == two.port() ? two : master; }

  RedisServer master;
  RedisServer one;
  RedisServer two;
  std::array<std::unique_ptr<RedisSentinel>, 3> watchers;
};

std::size_t sessions_in(const RedisServer& redis) {
  const std::string response = redis.command("EVAL \"return #redis.call('KEYS','*:s:*')\" 0");
  return response.starts_with(":") ? std::stoul(response.substr(1)) : 0;
}

}  // namespace

TEST_CASE("Redis stands still under load: no error, and each worker waits for it once, no longer than its timeout") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  constexpr auto kTimeout = 500ms;
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", "timeout = \"500ms\"\n");
  Load load({.proxies = {&pair.one, &pair.two}, .users = 200, .threads = kThreads, .per_second = per_second()});
  REQUIRE(load.goes_on_for(400));
  pair.redis.hang();
  // Beside those that are known: new ones, who would have to be asked for. What they meet is measured, too.
  Load strangers({.proxies = {&pair.one, &pair.two},
                  .users = 1'000'000,
                  .threads = kThreads,
                  .per_second = per_second() / 2,
                  .prefix = "stranger"});
  wait_while_down(load, outage());
  CHECK(pair.is_redis("degraded"));
  pair.redis.go_on();
  CHECK(pair.is_redis("ok"));
  REQUIRE(load.goes_on_for(200));
  for (Load* each : {&load, &strangers}) {
    const auto& all = each->stop();
    INFO(each->troubles());
    CHECK(each->troubles().empty());
    CHECK(each->split_users().empty());
    const std::size_t slow = each->slower_than(kTimeout - 50ms);
    note("Redis hung for " + text_of(outage()) + ", " + std::to_string(all.size()) + " requests: slowest " +
         text_of(each->slowest()) + ", " + std::to_string(slow) + " near the timeout of 500 ms or above");
    // One wait for each worker (2 proxies, 2 workers each), which holds up the requests behind it on its connections.
    if (!is_sanitized()) CHECK(each->slowest() < kTimeout + 250ms);
    CHECK(each->slowest() < kTimeout + 3s);
  }
}

TEST_CASE("Redis is killed and comes back empty under load: no error, no known user changes backends") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Pair pair(fleet, "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", "timeout = \"500ms\"\n");
  Load load({.proxies = {&pair.one, &pair.two}, .users = 200, .threads = kThreads, .per_second = per_second()});
  REQUIRE(load.goes_on_for(400));
  for (int round = 0; round < 2; ++round) {
    pair.redis.kill();
    CHECK(pair.is_redis("degraded"));
    REQUIRE(load.goes_on_for(200));
    pair.redis.start();
    CHECK(pair.is_redis("ok"));
    REQUIRE(load.goes_on_for(400));
  }
  CHECK(eventually([&] { return sessions_in(pair.redis) >= 200; }));
  const auto& all = load.stop();
  INFO(load.troubles());
  CHECK(load.troubles().empty());
  CHECK(load.split_users().empty());
  note("Redis killed and restarted empty, twice: " + std::to_string(all.size()) + " requests, slowest " +
       text_of(load.slowest()));
}

TEST_CASE("the master dies, Sentinels make a replica the next one, under load: no error, the map is there") {
  Fleet fleet({"a", "b", "c"});
  work_on_all(fleet, 0ms);
  Sentinels redis;
  const auto config = ProxyConfig{.backends = fleet.configs(),
                                  .workers = 2,
                                  .sessions = "store = \"redis\"\n",
                                  .sticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n",
                                  .tables = redis.tables()};
  Proxy one(config, Pair::options());
  Proxy two(config, Pair::options());
  const auto is_redis = [&](const std::string& state) {
    return eventually(
        [&] {
          return one.status()["redis"].value("state", "") == state && two.status()["redis"].value("state", "") == state;
        },
        Deadline{60s});
  };
  REQUIRE(is_redis("ok"));
  Load load({.proxies = {&one, &two}, .users = 200, .threads = kThreads, .per_second = per_second()});
  REQUIRE(load.goes_on_for(400));
  CHECK(eventually([&] { return sessions_in(redis.master) == 200; }));
  redis.master.kill();
  CHECK(is_redis("degraded"));
  const auto began = Clock::now();
  const std::uint16_t old = redis.master.port();
  REQUIRE(eventually([&] { return redis.watchers[0]->master_port() != old; }, Deadline{60s}));
  CHECK(is_redis("ok"));
  note("Sentinel failover: Redis away for " + text_of(Clock::now() - began));
  REQUIRE(load.goes_on_for(400));
  RedisServer& now = redis.server(redis.watchers[0]->master_port());
  CHECK(eventually([&] { return sessions_in(now) >= 200; }));
  const auto& all = load.stop();
  INFO(load.troubles());
  CHECK(load.troubles().empty());
  CHECK(load.split_users().empty());
  note("Sentinel failover under load: " + std::to_string(all.size()) + " requests, slowest " + text_of(load.slowest()));
  // A user nobody has met yet is bound there, and both proxies go by it.
  const std::string home = ask(one, "late");
  CHECK(ask(two, "late") == home);
}
