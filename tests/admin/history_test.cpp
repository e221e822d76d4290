#include "admin/history.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin/latency_window.h"
#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("curves: rates from counts, sessions as they are, nothing where nothing was measured") {
  StatusView view = sample_view(1);
  History history;
  history.note(view);
  view.pools[0].requests_total += 50;
  view.pools[0].backends[0].requests_total += 25;
  view.pools[0].backends[0].sessions = 9;
  view.pools[0].backends[0].latency = {.recent = 25, .p95 = 4200us};
  history.note(view);
  const json curves = json::parse(history.json());
  CHECK(curves["step_ms"] == 5000);
  CHECK(curves["points"] == 2);
  const json& shop = curves["pools"]["shop"];
  CHECK(shop["requests_per_s"] == json::parse("[0,10]"));
  CHECK(shop["p95_ms"] == json::parse("[null,null]"));
  CHECK(shop["backends"]["app1"]["requests_per_s"] == json::parse("[0,5]"));
  CHECK(shop["backends"]["app1"]["sessions"] == json::parse("[4,9]"));
  CHECK(shop["backends"]["app1"]["p95_ms"] == json::parse("[null,4.2]"));
}

TEST_CASE("only the last ten minutes are kept; counters that begin anew are no rate below zero") {
  StatusView view = sample_view(1);
  History history;
  for (std::size_t i = 0; i < History::kSteps + 7; ++i) {
    view.pools[0].requests_total = 1000 - i;
    history.note(view);
  }
  const json curves = json::parse(history.json());
  CHECK(curves["points"] == History::kSteps);
  CHECK(curves["pools"]["shop"]["requests_per_s"] == json(std::vector<int>(History::kSteps, 0)));
}

TEST_CASE("a configuration with other backends begins other curves") {
  StatusView view = sample_view(2);
  History history;
  history.note(view);
  view.pools[0].backends[0].name = "new";
  view.pools[0].backends.pop_back();
  history.note(view);
  const json backends = json::parse(history.json())["pools"]["shop"]["backends"];
  CHECK(backends.size() == 1);
  CHECK(backends["new"]["sessions"] == json::parse("[0,4]"));
}

TEST_CASE("the latency window forgets after a minute") {
  base::Histogram::Counts counts{};
  LatencyWindow window;
  counts[3] = 5;
  CHECK(base::count_of(window.recent(counts)) == 5);
  window.note(counts);
  counts[7] = 2;
  for (std::size_t step = 1; step < LatencyWindow::kSteps; ++step) window.note(counts);
  CHECK(base::count_of(window.recent(counts)) == 2);
  window.note(counts);
  CHECK(base::count_of(window.recent(counts)) == 0);
}
