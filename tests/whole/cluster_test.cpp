// Several proxies and one Redis: what they agree on, and what remains when Redis or one of them is gone.

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <list>

#include "tests/support/fleet.h"
#include "tests/support/redis_server.h"

using namespace holdfast::support;

namespace {

constexpr auto kInterval = 1s;
constexpr const char* kQuickProbes =
    "path = \"/health\"\ninterval = \"1s\"\nfast_interval = \"50ms\"\ntimeout = \"1s\"\n";

/// A proxy of the cluster that uses `redis`.
ProxyConfig member(const RedisServer& redis, const std::string& name, std::vector<BackendConfig> backends) {
  ProxyConfig config;
  config.backends = std::move(backends);
  config.workers = 1;
  config.probe = kQuickProbes;
  config.tables =
      "[redis]\nurl = \"redis://" + redis.address() + "/0\"\ntimeout = \"1s\"\n[cluster]\nnode = \"" + name + "\"\n";
  return config;
}

Response ask(const Proxy& proxy, std::string_view path) {
  return HttpClient(proxy.admin_port()).request({.target = std::string(path), .host = "127.0.0.1"});
}

Response order(const Proxy& proxy, const std::string& backend, const std::string& word) {
  return HttpClient(proxy.admin_port())
      .request({.method = "POST",
                .target = "/api/v1/pools/app/backends/" + backend + "/" + word,
                .fields = {{"Content-Type", "application/json"}},
                .body = R"({"by":"test"})",
                .host = "127.0.0.1"});
}

nlohmann::json cluster_of(const Proxy& proxy) { return proxy.status().value("cluster", nlohmann::json::object()); }

bool wait_for_proxies(const Proxy& proxy, std::size_t count) {
  return eventually([&] {
    const auto cluster = cluster_of(proxy);
    return cluster.value("state", "") == "ok" && cluster["nodes"].size() == count;
  });
}

bool has_said(Proxy& proxy, std::string_view text) { return proxy.process().err().find(text) != std::string::npos; }

}  // namespace

TEST_CASE("a drain on one proxy is obeyed by the other within a second, and kept over kill -9 of both") {
  RedisServer redis;
  Fleet fleet({"a", "b"});
  Proxy one(member(redis, "lb1", fleet.configs()));
  Proxy two(member(redis, "lb2", fleet.configs()));
  REQUIRE(wait_for_proxies(one, 2));
  REQUIRE(wait_for_proxies(two, 2));

  const Response said = order(one, "a", "drain");
  REQUIRE(said.is_whole(200));
  CHECK(said.body.find("\"state\":\"DRAINING\"") != std::string::npos);
  const auto asked = Clock::now();
  REQUIRE(two.wait_for_state("a", "DRAINING"));
  CHECK(Clock::now() - asked < 1s);
  CHECK(two.backend("a").value("detail", "").find("drain by test at ") == 0);
  CHECK(one.backend("b").value("state", "") == "UP");

  one.kill_hard();
  two.kill_hard();
  std::filesystem::remove(one.state_dir() / "operator.json");  // Redis alone must be enough
  std::filesystem::remove(two.state_dir() / "operator.json");
  one.start_again(Proxy::Wait::Listening);
  two.start_again(Proxy::Wait::Listening);
  CHECK(one.wait_for_state("a", "DRAINING"));
  CHECK(two.wait_for_state("a", "DRAINING"));
  CHECK(order(two, "a", "ready").is_whole(200));
  CHECK(one.wait_for_state("a", "UP"));
  CHECK(order(two, "b", "maint").is_whole(200));
  CHECK(one.wait_for_state("b", "MAINT"));
  CHECK(one.process().wait_for_line("backend_maint").value_or("").find("by=test") != std::string::npos);
}

TEST_CASE("without Redis a drain survives kill -9 by the state directory") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs(), .workers = 1});
  REQUIRE(order(proxy, "a", "drain").is_whole(200));
  CHECK(proxy.backend("a").value("state", "") == "DRAINING");
  proxy.kill_hard();
  proxy.start_again(Proxy::Wait::Listening);
  REQUIRE(proxy.wait_for_state("a", "DRAINING"));
  CHECK_FALSE(has_said(proxy, "backend_up pool=app backend=a"));
  for (int i = 0; i < 4; ++i) CHECK(proxy.client().get("/").body == "b");
  CHECK(ask(proxy, "/cluster/leader").is_whole(503));
  CHECK(cluster_of(proxy).value("state", "") == "off");
}

TEST_CASE("the leader dies: another leads, with a higher number") {
  RedisServer redis;
  Fleet fleet({"a"});
  std::list<Proxy> proxies;
  for (const char* name : {"lb1", "lb2", "lb3"}) proxies.emplace_back(member(redis, name, fleet.configs()));
  for (const Proxy& proxy : proxies) REQUIRE(wait_for_proxies(proxy, 3));
  const auto leader = [](const Proxy& proxy) {
    const Response response = ask(proxy, "/cluster/leader");
    return response.is_whole(200) ? nlohmann::json::parse(response.body) : nlohmann::json::object();
  };
  const auto before = leader(proxies.front());
  const auto number = before.value("fencing_number", std::int64_t{0});
  CHECK(number > 0);
  int leaders = 0;
  for (const Proxy& proxy : proxies) {
    CHECK(leader(proxy).value("leader", "") == before.value("leader", "?"));
    leaders += leader(proxy).value("is_leader", false) ? 1 : 0;
  }
  CHECK(leaders == 1);

  const auto dead = std::ranges::find_if(proxies, [&](const Proxy& p) { return leader(p).value("is_leader", false); });
  REQUIRE(dead != proxies.end());
  dead->kill_hard();
  proxies.erase(dead);
  for (const Proxy& proxy : proxies) {
    CHECK(eventually([&] { return leader(proxy).value("fencing_number", std::int64_t{0}) > number; }));
    CHECK(leader(proxy).value("leader", "") != before.value("leader", ""));
    CHECK(wait_for_proxies(proxy, 2));
  }
  const auto second = leader(proxies.front()).value("fencing_number", std::int64_t{0});
  const std::string leaver = leader(proxies.front()).value("leader", "");
  const auto gone =
      leaver == cluster_of(proxies.front()).value("node", "") ? proxies.begin() : std::next(proxies.begin());
  CHECK(gone->stop() == 0);
  proxies.erase(gone);
  CHECK(eventually([&] { return leader(proxies.front()).value("is_leader", false); }));
  CHECK(leader(proxies.front()).value("fencing_number", std::int64_t{0}) > second);
  CHECK(proxies.front().process().wait_for_line("cluster_node_goodbye"));
}

TEST_CASE("three proxies together send about the probes of one; a killed backend is down on all of them at once") {
  RedisServer redis;
  Fleet fleet({"a", "b", "c"});
  std::list<Proxy> proxies;
  for (const char* name : {"lb1", "lb2", "lb3"}) proxies.emplace_back(member(redis, name, fleet.configs()));
  for (const Proxy& proxy : proxies) REQUIRE(wait_for_proxies(proxy, 3));

  const auto count = [&] {
    std::size_t sum = 0;
    for (TestBackend& backend : fleet.all()) sum += backend.health_checks();
    return sum;
  };
  constexpr std::size_t kProbes = 48;
  const std::size_t before = count();
  const auto began = Clock::now();
  CHECK(eventually([&] { return count() >= before + kProbes; }, Deadline{60s}));
  CHECK(Clock::now() - began > kInterval * kProbes / (3 * 1.3));

  fleet["a"].crash();
  for (const Proxy& proxy : proxies) CHECK(proxy.wait_for_state("a", "DOWN"));
  fleet["a"].restart();
  for (const Proxy& proxy : proxies) CHECK(proxy.wait_for_state("a", "UP"));
}

TEST_CASE("a broken path of one proxy is not a dead backend; all paths broken is a proxy cut off") {
  RedisServer redis;
  // The same backends, each proxy by a way of its own.
  Fleet by_one({"a", "b", "c"});
  Fleet by_two({"a", "b", "c"});
  Fleet by_three({"a", "b", "c"});
  // Between its first bad probe and the last that `fall` asks for, the others are asked: on a busy machine, too.
  const auto with_time_to_ask = [&](const std::string& name, std::vector<BackendConfig> backends) {
    ProxyConfig config = member(redis, name, std::move(backends));
    config.probe = "path = \"/health\"\ninterval = \"1s\"\nfast_interval = \"800ms\"\ntimeout = \"1s\"\n";
    return config;
  };
  Proxy one(with_time_to_ask("lb1", by_one.configs()));
  Proxy two(with_time_to_ask("lb2", by_two.configs()));
  Proxy three(with_time_to_ask("lb3", by_three.configs()));
  for (const Proxy* proxy : {&one, &two, &three}) REQUIRE(wait_for_proxies(*proxy, 3));

  by_one["a"].crash();
  CHECK(eventually([&] {
    const auto a = one.backend("a");
    return a.value("suspect", false) &&
           nlohmann::json::parse(ask(two, "/api/v1/cluster").body)["nodes"][0]["sees"]["app/a"]["probe"] == "failing";
  }));
  CHECK(one.backend("a").value("state", "") == "UP");
  CHECK(two.backend("a").value("state", "") == "UP");
  CHECK(ask(one, "/readyz").is_whole(200));
  CHECK_FALSE(has_said(one, "backend_down"));

  by_one["b"].crash();
  by_one["c"].crash();
  CHECK(eventually([&] { return ask(one, "/readyz").is_whole(503); }));
  CHECK(ask(one, "/readyz").body.find("cut off: ") == 0);
  CHECK(ask(two, "/readyz").is_whole(200));
  CHECK(two.client().get("/").is_whole(200));
  CHECK(eventually([&] { return cluster_of(one).value("cut_off", false); }));
  for (const char* name : {"a", "b", "c"}) {
    by_one[name].restart();
    CHECK(two.backend(name).value("state", "") == "UP");
  }
  CHECK(eventually([&] { return ask(one, "/readyz").is_whole(200); }));
  for (Proxy* proxy : {&two, &three}) {
    CHECK_FALSE(has_said(*proxy, "backend_down"));
    CHECK_FALSE(has_said(*proxy, "cluster_cut_off"));
  }
}

TEST_CASE("Redis killed: each by itself within seconds, no verdict changes; back again, they agree") {
  RedisServer redis;
  Fleet fleet({"a", "b"});
  Proxy one(member(redis, "lb1", fleet.configs()));
  Proxy two(member(redis, "lb2", fleet.configs()));
  REQUIRE(wait_for_proxies(one, 2));
  REQUIRE(wait_for_proxies(two, 2));
  redis.kill();
  for (const Proxy* proxy : {&one, &two}) {
    CHECK(eventually([&] { return cluster_of(*proxy).value("state", "") == "alone"; }));
    const auto status = proxy->status();
    CHECK(status["redis"].value("state", "") == "degraded");
    CHECK(status["redis"].value("reason", "") != "");
    CHECK(proxy->client().get("/").is_whole(200));
    CHECK(ask(*proxy, "/readyz").is_whole(200));
  }
  REQUIRE(order(one, "a", "drain").is_whole(200));
  CHECK(one.backend("a").value("state", "") == "DRAINING");
  fleet["b"].crash();
  CHECK(one.wait_for_state("b", "DOWN"));
  CHECK(two.wait_for_state("b", "DOWN"));
  fleet["b"].restart();
  CHECK(two.backend("a").value("state", "") == "UP");
  CHECK_FALSE(has_said(one, "backend_down pool=app backend=a"));

  redis.start();
  CHECK(wait_for_proxies(one, 2));
  CHECK(wait_for_proxies(two, 2));
  CHECK(two.wait_for_state("a", "DRAINING"));
  CHECK(one.wait_for_state("b", "UP"));
}
