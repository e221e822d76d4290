// What an operator sees, and who may receive traffic.

#include <doctest/doctest.h>

#include "base/text.h"
#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

Response ask(const Proxy& proxy, std::string_view path) {
  return HttpClient(proxy.admin_port()).request({.target = std::string(path), .host = "127.0.0.1"});
}

}  // namespace

TEST_CASE("no traffic before the first good probe; down and up again with reason and event") {
  Fleet fleet({"a"});
  std::atomic<bool> is_well = false;
  fleet.on("/probe", [&](Conversation& c) { c.respond(is_well ? 200 : 503, "state"); });
  ProxyConfig config{.backends = fleet.configs(), .workers = 2};
  config.probe = "path = \"/probe\"\ninterval = \"1s\"\nfast_interval = \"20ms\"\nrise = 2\nfall = 2\n";
  Proxy proxy(config, {.environment = {}, .wrapper = {}, .wait_until_up = false});
  REQUIRE(fleet["a"].wait_for_count(1));
  CHECK(proxy.backend("a").value("state", "") != "UP");
  const Response too_early = proxy.client().get("/");
  CHECK(too_early.is_whole(503));
  CHECK_FALSE(too_early.field("Set-Cookie"));

  is_well = true;
  REQUIRE(proxy.wait_for_state("a", "UP"));
  CHECK(proxy.process().wait_for_line("backend_up").value_or("").find("backend=a") != std::string::npos);
  CHECK(eventually([&] { return proxy.client().get("/").is_whole(200); }));

  is_well = false;
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  const auto down = proxy.backend("a");
  CHECK(down.value("reason", "") != "");
  CHECK(down.value("since", "").ends_with("Z"));
  const std::string line = proxy.process().wait_for_line("backend_down").value_or("");
  CHECK(line.find(" warn ") != std::string::npos);
  CHECK(line.find("pool=app backend=a reason=") != std::string::npos);
  CHECK(eventually([&] { return proxy.client().get("/").is_whole(503); }));

  is_well = true;
  CHECK(proxy.wait_for_state("a", "UP"));
}

TEST_CASE("a dead backend is noticed by its traffic before any probe is due") {
  Fleet fleet({"a", "b"});
  ProxyConfig config{.backends = fleet.configs(), .workers = 2, .sticky = "mode = \"none\"\n"};
  config.probe = "path = \"/health\"\ninterval = \"10m\"\nfast_interval = \"20ms\"\ntimeout = \"20s\"\n";
  Proxy proxy(config);
  fleet["a"].crash();
  // Each request may be given to either: sooner or later one meets the dead one, and is served by the other.
  CHECK(eventually([&] {
    CHECK(proxy.client().get("/").is_whole(200));
    return proxy.backend("a").value("state", "") == "DOWN";
  }));
}

TEST_CASE("a backend that comes back and still fails is ejected after as many failures as the first time") {
  Fleet fleet({"a", "b"});
  fleet["a"].on("/pay", [](Conversation& c) { c.reset(); });
  fleet["a"].on("/health", [](Conversation& c) { c.respond(200, "well"); });
  ProxyConfig config{.backends = fleet.configs(), .workers = 1, .sticky = "mode = \"none\"\n"};
  config.tables = "[pools.app.passive]\nfailures = 3\neject = \"200ms\"\n";
  config.pool = "balance = \"round_robin\"\nslow_start = \"0s\"\n";
  config.probe = "path = \"/health\"\ninterval = \"3s\"\nfast_interval = \"20ms\"\ntimeout = \"3s\"\nrise = 1\n";
  Proxy proxy(config);
  for (int ejection = 1; ejection <= 3; ++ejection) {
    INFO("ejection " << ejection);
    REQUIRE(proxy.wait_for_state("a", "UP"));
    // Each failure makes it suspect until a probe says otherwise, so the next ones take their time.
    int failed = 0;
    const Deadline deadline;
    while (proxy.backend("a").value("state", "") == "UP" && !deadline.passed()) {
      if (!proxy.client().request({.method = "POST", .target = "/pay", .body = "x"}).is_whole(200)) ++failed;
    }
    CHECK(failed >= 3);
    CHECK(failed <= 6);
    REQUIRE(proxy.wait_for_state("a", "DOWN"));
  }
}

TEST_CASE("/livez, /readyz and what is not there") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()});
  CHECK(ask(proxy, "/livez").is_whole(200));
  CHECK(ask(proxy, "/readyz").is_whole(200));
  CHECK(ask(proxy, "/no-such-page").is_whole(404));
}

TEST_CASE("/api/v1/status: the part other tools rely on") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs(), .workers = 2});
  std::vector<HttpClient> users;
  for (int i = 0; i < 10; ++i) {
    users.push_back(proxy.client());
    REQUIRE(users.back().get("/").is_whole(200));
  }
  CHECK(eventually([&] { return proxy.sum("requests_total") == 10; }));
  const Response response = ask(proxy, "/api/v1/status");
  REQUIRE(response.is_whole(200));
  CHECK(response.field("Content-Type").value_or("").starts_with("application/json"));
  const auto status = proxy.status();
  CHECK(status.value("node", "") != "");
  CHECK(status.value("version", "") != "");
  CHECK(status.value("ready", false));
  CHECK(status["redis"].value("state", "") == "off");
  CHECK(status["pools"]["app"].value("sessions", 0) == 10);
  std::int64_t sessions = 0;
  for (const char* name : {"a", "b"}) {
    const auto backend = proxy.backend(name);
    CAPTURE(backend.dump());
    CHECK(backend.value("state", "") == "UP");
    CHECK(backend.contains("reason"));
    CHECK(backend.value("requests_in_flight", -1) == 0);
    CHECK(backend.value("moved_away_total", -1) == 0);
    sessions += backend.value("sessions", 0);
  }
  CHECK(sessions == 10);
}

TEST_CASE("/metrics: Prometheus text, without sessions or paths") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()});
  HttpClient user = proxy.client();
  REQUIRE(user.get("/very/private/path").is_whole(200));
  const std::string cookie = user.cookies().at("holdfast");
  const Response response = ask(proxy, "/metrics");
  REQUIRE(response.is_whole(200));
  CHECK(response.field("Content-Type").value_or("").starts_with("text/plain"));
  CHECK(response.body.find("# TYPE holdfast_") != std::string::npos);
  CHECK(response.body.find("backend=\"a\"") != std::string::npos);
  CHECK(response.body.find("private") == std::string::npos);
  CHECK(response.body.find(cookie) == std::string::npos);
}

TEST_CASE("the access log says what stickiness did") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs(), .server = "access_log = { path = \"-\", format = \"json\" }\n"});
  HttpClient user = proxy.client();
  REQUIRE(user.get("/one").is_whole(200));
  const std::string first = proxy.process().wait_for_line("/one").value_or("");
  const auto parsed = nlohmann::json::parse(first, nullptr, false);
  REQUIRE_FALSE(parsed.is_discarded());
  CHECK(first.find("\"new\"") != std::string::npos);
  CHECK(first.find("\"GET\"") != std::string::npos);
  REQUIRE(user.get("/two").is_whole(200));
  CHECK(proxy.process().wait_for_line("/two").value_or("").find("\"kept\"") != std::string::npos);
}
