#include "admin/status_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;
using Json = nlohmann::json;

TEST_CASE("the part of the status other tools rely on is there, by these names") {
  StatusView view = sample_view(1);
  view.redis.state = "ok";
  view.pools[0].backends[0].moved_away_total = 7;
  const Json status = Json::parse(status_json(view));
  // Every member of `promised` must be in the status with the same value.
  const Json promised = Json::parse(R"({"node":"lb1","version":"1.2.3","ready":true,"redis":{"state":"ok"},
    "pools":{"shop":{"sessions":12,"backends":{"app1":{"state":"UP","reason":"","since":"2026-01-31T12:00:00.000Z",
    "sessions":4,"requests_in_flight":0,"requests_total":100,"moved_away_total":7}}}}})");
  Json merged = status;
  merged.merge_patch(promised);
  CHECK(merged == status);
}

TEST_CASE("the status says what the page shows") {
  const Json status = Json::parse(status_json(sample_view(1)));
  CHECK(status["summary"] == "The backend of pool shop serving; 12 sessions; redis off");
  CHECK(status["mood"] == "good");
  CHECK(status["uptime_seconds"] == 3600.0);
  CHECK(status["sessions"] == 12);
  CHECK(status["pools"]["shop"]["stickiness"] == Json{{"new", 12}, {"kept", 88}});
  const Json& backend = status["pools"]["shop"]["backends"]["app1"];
  CHECK(backend["answers"]["2xx"] == 97);
  CHECK(backend["failures"]["reset"] == 3);
  CHECK(backend["probe"]["passed_total"] == 50);
  CHECK(backend["probe"]["last"]["duration_ms"] == 1.5);
  CHECK(backend["probe"]["last"]["time"] == "2026-01-31T12:01:40.000Z");
}

TEST_CASE("broken UTF-8 from a backend is replaced, never thrown") {
  StatusView view = sample_view(1);
  BackendView& backend = view.pools[0].backends[0];
  backend.name = "a\xff";
  backend.detail = "\xc3(\xe2\x82 \"quoted\"\x01";
  backend.probes.last->text = std::string(1000, '\x80');
  const Json status = Json::parse(status_json(view));
  const Json& shown = status["pools"]["shop"]["backends"]["a\xef\xbf\xbd"];
  CHECK(shown["detail"] == "\xef\xbf\xbd(\xef\xbf\xbd \"quoted\"\x01");
}

TEST_CASE("the probes, one array each; what was found is said of those that failed") {
  StatusView view = sample_view(1);
  const base::WallTime at = view.now;
  view.pools[0].backends[0].probes.history = {
      {.at = at, .took = std::chrono::milliseconds{2}, .status = 200, .reason = "", .text = ""},
      {.at = at,
       .took = std::chrono::milliseconds{3},
       .status = 503,
       .reason = "probe_bad_status",
       .text = "status 503"}};
  const Json status = Json::parse(status_json(view));
  const Json& probes = status["pools"]["shop"]["backends"]["app1"]["probe"]["history"];
  REQUIRE(probes.size() == 2);
  CHECK(probes[0].size() == 4);
  CHECK(probes[1].size() == 5);
  CHECK(probes[1][3] == "probe_bad_status");
  CHECK(probes[1][4] == "status 503");
}

TEST_CASE("a backend that was never probed has no last probe; counters keep 64 bits") {
  StatusView view = sample_view(1);
  view.pools[0].backends[0].probes.last.reset();
  view.pools[0].backends[0].requests_total = 18'446'744'073'709'551'615u;
  const Json status = Json::parse(status_json(view));
  const Json& backend = status["pools"]["shop"]["backends"]["app1"];
  CHECK_FALSE(backend["probe"].contains("last"));
  CHECK(backend["requests_total"] == 18'446'744'073'709'551'615u);
}
