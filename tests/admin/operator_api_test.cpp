#include "admin/operator_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin/cluster_json.h"
#include "tests/admin/router_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::admin;
using holdfast::tests::has;
using web::Request;
using web::Response;
using namespace std::chrono_literals;
using health::OperatorState;

namespace {

using Fixture = RouterFixture;

const std::string kApp1 = "/api/v1/pools/shop/backends/app1/";

}  // namespace

TEST_CASE("drain, ready, maint: who, what, until when") {
  Fixture f;
  const Response drained = f.ask(f.post(kApp1 + "drain", R"({"deadline":"10m","by":"ops"})"));
  CHECK(drained.status == 200);
  CHECK(drained.content_type == "application/json");
  const auto json = nlohmann::json::parse(drained.body);
  CHECK(json["pool"] == "shop");
  CHECK(json["backend"] == "app1");
  CHECK(json["order"] == "drain");
  CHECK(json["state"] == "UP");  // what the view says; the fake one changes nothing
  CHECK(json["sessions"] == 4);
  CHECK(json["recorded"] == true);
  CHECK(f.ask(f.post(kApp1 + "ready")).status == 200);
  CHECK(f.ask(f.post("/api/v1/pools/shop/backends/app2/maint", " {} \r\n")).status == 200);
  REQUIRE(f.operators.asks.size() == 3);
  CHECK(f.operators.asks[0].state == OperatorState::Drain);
  CHECK(f.operators.asks[0].by == "ops");
  CHECK(f.operators.asks[0].deadline == base::Duration{10min});
  CHECK(f.operators.asks[1].state == OperatorState::Ready);
  CHECK(f.operators.asks[1].by == "127.0.0.1");
  CHECK(!f.operators.asks[1].deadline);
  CHECK(f.operators.asks[2].state == OperatorState::Maint);
  CHECK(f.operators.asks[2].backend == "app2");
}

TEST_CASE("what is refused, and why; nothing of it reaches the service") {
  struct Row {
    const char* why;
    std::string path, body;
    std::uint16_t status;
    const char* part;
  };
  const Row rows[] = {
      {"no such pool", "/api/v1/pools/shpo/backends/app1/drain", "", 404, "there are: shop"},
      {"no such backend", "/api/v1/pools/shop/backends/app9/drain", "", 404, "there are: app1, app2, app3"},
      {"no such order", kApp1 + "explode", "", 404, "no such path"},
      {"more path", kApp1 + "drain/x", "", 404, "no such path"},
      {"an empty name", "/api/v1/pools//backends/app1/drain", "", 404, "no such path"},
      {"no JSON", kApp1 + "drain", "deadline=10m", 400, "not a JSON object"},
      {"no object", kApp1 + "drain", "[1]", 400, "not a JSON object"},
      {"an unknown key", kApp1 + "drain", R"({"dedline":"10m"})", 400, "deadline and by"},
      {"a deadline of another kind", kApp1 + "drain", R"({"deadline":10})", 400, "expected a duration"},
      {"no deadline at all", kApp1 + "drain", R"({"deadline":"0s"})", 400, "expected a duration"},
      {"a deadline for ever", kApp1 + "drain", R"({"deadline":"999999d"})", 400, "expected a duration"},
      {"a deadline of what has none", kApp1 + "maint", R"({"deadline":"10m"})", 400, "only a drain"},
      {"a name too long", kApp1 + "drain", R"({"by":")" + std::string(65, 'x') + "\"}", 400, "64 bytes"},
  };
  Fixture f;
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    const Response response = f.ask(f.post(row.path, row.body));
    CHECK(response.status == row.status);
    CHECK(has(response.body, row.part));
  }
  CHECK(f.operators.asks.empty());
}

TEST_CASE("no page of another site can give orders, nor another machine") {
  Fixture f;
  Request form = f.post(kApp1 + "drain");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                           "application/jsonx", "text/json"}) {
    CAPTURE(type);
    form.fields = {{"Content-Type", type}};
    CHECK(f.ask(form).status == 415);
  }
  form.fields = {{"X-Holdfast-Request", "0"}};
  CHECK(f.ask(form).status == 415);
  form.fields = {{"Content-Type", "application/json"}, {"Sec-Fetch-Site", "cross-site"}};
  CHECK(f.ask(form).status == 403);

  Request far = f.post(kApp1 + "drain");
  far.peer = *net::resolve({"192.0.2.1", 5000});
  CHECK(f.ask(far).status == 401);
  Request get = f.post(kApp1 + "drain");
  get.method = http::Method::Get;
  CHECK(f.ask(get).status == 405);
  CHECK(f.ask(get).allow == "POST");
  CHECK(f.operators.asks.empty());

  for (const auto& field : {std::pair<std::string, std::string>{"Content-Type", "Application/JSON; charset=utf-8"},
                            std::pair<std::string, std::string>{"X-Holdfast-Request", "1"}}) {
    Request good = f.post(kApp1 + "drain");
    good.fields = {field};
    CHECK(f.ask(good).status == 200);
  }
}

TEST_CASE("what cannot be written down holds, and is said") {
  Fixture f;
  f.operators.response = base::Error{base::ErrorCode::Io, "no space left"};
  const auto json = nlohmann::json::parse(f.ask(f.post(kApp1 + "drain")).body);
  CHECK(json["recorded"] == false);
  CHECK(json["warning"] == "no space left");
  f.operators.response = base::Error{base::ErrorCode::Overload, "the record is full"};
  CHECK(f.ask(f.post(kApp1 + "drain")).status == 503);
}

TEST_CASE("an order is answered also when a reload removes its backend meanwhile") {
  Fixture f;
  f.operators.waiting.emplace();
  Response later;
  f.router.handle(f.post(kApp1 + "drain"), [&later](const Response& response) { later = response; });
  REQUIRE(f.operators.waiting->size() == 1);
  SUBCASE("the backend") { f.source.view.pools[0].backends.erase(f.source.view.pools[0].backends.begin()); }
  SUBCASE("the last backend") { f.source.view.pools[0].backends.clear(); }
  SUBCASE("its pool") { f.source.view.pools.clear(); }
  f.operators.waiting->front()({});
  CHECK(later.status == 404);
  CHECK(has(later.body, "a reload removed shop/app1 meanwhile"));
}

TEST_CASE("an order looks at all backends' states, and at the numbers of one backend only") {
  Fixture f;
  CHECK(f.ask(f.post(kApp1 + "drain")).status == 200);
  CHECK(f.source.statuses == 0);
  CHECK(f.source.looks == 1);
}

TEST_CASE("who leads, and who sees what") {
  Fixture f;
  const auto get = [&](std::string path) { return f.ask(f.request(http::Method::Get, std::move(path))); };
  CHECK(get("/cluster/leader").status == 503);
  CHECK(has(get("/cluster/leader").body, "no [cluster]"));
  f.source.view.cluster.state = "alone";
  CHECK(has(get("/cluster/leader").body, "no leader is known"));

  ClusterView& cluster = f.source.view.cluster;
  cluster.state = "ok";
  cluster.node = "lb1";
  cluster.leader = "lb2";
  cluster.fencing_number = 1'769'860'800'123;
  cluster.proxies = {
      {.name = "lb1",
       .instance = "i1",
       .is_self = true,
       .sees =
           {{.backend = "shop/app1", .word = "failing", .failed_in_a_row = 3, .reason = "probe_refused", .age = 250ms},
            {.backend = "shop/app2", .word = "starting"}}},
      {.name = "lb2", .instance = "i2", .is_leader = true, .cut_off = true}};
  CHECK(get("/cluster/leader").body ==
        "{\"leader\":\"lb2\",\"node\":\"lb1\",\"is_leader\":false,\"fencing_number\":1769860800123}\n");
  const auto json = nlohmann::json::parse(get("/api/v1/cluster").body);
  CHECK(json["nodes"][0]["self"] == true);
  CHECK(json["nodes"][0]["sees"]["shop/app1"]["probe"] == "failing");
  CHECK(json["nodes"][0]["sees"]["shop/app1"]["age_ms"] == 250);
  CHECK(json["nodes"][0]["sees"]["shop/app2"]["age_ms"].is_null());
  CHECK(json["nodes"][1]["cut_off"] == true);
  const auto status = nlohmann::json::parse(get("/api/v1/status").body);
  CHECK(status["cluster"]["nodes"] == nlohmann::json({"lb1", "lb2"}));
  CHECK(status["cluster"]["leader"] == "lb2");
  CHECK(has(status["summary"].get<std::string>(), "redis off; 2 proxies, 1 of them cut off, led by lb2"));
  CHECK(status["mood"] == "warn");
  const std::string metrics = get("/metrics").body;
  CHECK(has(metrics, "holdfast_cluster_nodes 2"));
  CHECK(has(metrics, "holdfast_cluster_leader 0"));
  CHECK(has(metrics, "holdfast_cluster_nodes_cut_off 1"));
}

TEST_CASE("cut off is a reason to send traffic elsewhere") {
  const Readiness readiness = readiness_of({.listeners_open = true, .cut_off = "cut off: we alone do not see 2 of 2"});
  CHECK(!readiness.ready);
  CHECK(readiness.reason == "cut off: we alone do not see 2 of 2");
  CHECK(readiness_of({.listeners_open = true}).ready);
}
