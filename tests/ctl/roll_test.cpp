// What a roll reads from a status, and what it begins with.
#include "ctl/roll.h"

#include <doctest/doctest.h>

#include "admin/status_json.h"
#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::ctl;

TEST_CASE("the backends of a pool, as a roll sees them") {
  admin::StatusView status = admin::sample_view(2);
  status.pools[0].backends[1].slow_start_percent = 40;
  status.pools[0].backends[1].probe_state = "failing";
  const auto view = roll_view(admin::status_json(status), "shop");
  REQUIRE(view);
  CHECK(view->now == "2026-01-31T12:03:20.000Z");
  REQUIRE(view->backends.size() == 2);
  CHECK(view->backends[0].name == "app1");
  CHECK(view->backends[0].address == "10.0.0.11:8080");
  CHECK(view->backends[0].state == "UP");
  CHECK(view->backends[0].order == "ready");
  CHECK(view->backends[0].probed == "2026-01-31T12:01:40.000Z");
  CHECK(view->backends[0].passed);
  CHECK_FALSE(view->backends[0].is_growing);
  CHECK(view->backends[1].probe == "failing");
  CHECK(view->backends[1].is_growing);
  const auto none = roll_view(admin::status_json(status), "other");
  REQUIRE_FALSE(none);
  CHECK(none.error().text == "the proxy has no pool other");
  CHECK_FALSE(roll_view("<html>", "shop"));
}

TEST_CASE("who may be taken out") {
  struct Row {
    const char* why;
    std::vector<health::State> states;
    const char* says;  ///< Empty: the first one may.
  };
  using health::State;
  const Row rows[] = {{"all are UP", {State::Up, State::Up}, ""},
                      {"it is out itself", {State::Maint, State::Up}, ""},
                      {"another one is out",
                       {State::Up, State::Draining},
                       "shop/app2 is DRAINING, and only one backend may be out at a time"},
                      {"another one is not well",
                       {State::Up, State::Up, State::Sick},
                       "shop/app3 is SICK, and only one backend may be out at a time"},
                      {"it is alone", {State::Up}, "there is no other backend for its users"}};
  for (const Row& row : rows) {
    INFO(row.why);
    admin::StatusView status = admin::sample_view(row.states.size());
    for (std::size_t i = 0; i < row.states.size(); ++i) status.pools[0].backends[i].state = row.states[i];
    const auto view = roll_view(admin::status_json(status), "shop");
    REQUIRE(view);
    const auto may = may_take_out(*view, "shop", "app1");
    CHECK((may ? std::string() : may.error().text) == row.says);
  }
}

TEST_CASE("a backend is well by a probe after its restart, and by one that passed") {
  struct Row {
    const char* why;
    RollBackend backend;
    bool is_well;
  };
  const Row rows[] = {
      {"probed since", {.probe = "passing", .probed = "2026-01-31T12:00:01.000Z", .passed = true}, true},
      {"not probed since", {.probe = "passing", .probed = "2026-01-31T12:00:00.000Z", .passed = true}, false},
      {"the first one failed", {.probe = "passing", .probed = "2026-01-31T12:00:01.000Z", .passed = false}, false},
      {"rise is not reached", {.probe = "failing", .probed = "2026-01-31T12:00:01.000Z", .passed = true}, false},
      {"nothing is probed", {.probe = "passing", .probed = "", .passed = true}, true}};
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(is_well_since(row.backend, "2026-01-31T12:00:00.000Z") == row.is_well);
  }
}
