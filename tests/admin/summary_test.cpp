#include "admin/summary.h"

#include <doctest/doctest.h>

#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;
using health::State;

namespace {

StatusView view_of(std::initializer_list<State> states) {
  StatusView view = sample_view(0);
  for (const State state : states) {
    auto& backends = view.pools[0].backends;
    backends.push_back(sample_backend("app" + std::to_string(backends.size() + 1), state));
    if (state == State::Down) backends.back().reason = "probe_timeout";
  }
  return view;
}

}  // namespace

TEST_CASE("the line of words says the worst first and is green only when all is well") {
  struct Row {
    StatusView view;
    const char* text;
    Severity severity;
  };
  const Row rows[] = {
      {view_of({State::Up, State::Up, State::Up}), "All 3 backends of pool shop serving; 12 sessions; redis off",
       Severity::Good},
      {view_of({State::Up}), "The backend of pool shop serving; 12 sessions; redis off", Severity::Good},
      {view_of({State::Up, State::Down}),
       "1 of 2 backends of pool shop serving: app2 DOWN (probe_timeout); 12 sessions; redis off", Severity::Warn},
      {view_of({State::Up, State::Maint, State::Sick}),
       "1 of 3 backends of pool shop serving: app2 MAINT, app3 SICK; 12 sessions; redis off", Severity::Warn},
      {view_of({State::Draining}), "0 of 1 backends of pool shop serving: app1 DRAINING; 12 sessions; redis off",
       Severity::Warn},
      {view_of({State::Down, State::Starting}),
       "NO backend of pool shop serving: app1 DOWN (probe_timeout), app2 STARTING; 12 sessions; redis off",
       Severity::Bad},
      {view_of({State::Maint, State::Maint, State::Maint, State::Maint, State::Maint, State::Maint}),
       "NO backend of pool shop serving: app1 MAINT, app2 MAINT, app3 MAINT, app4 MAINT and 2 more; 12 sessions; "
       "redis off",
       Severity::Bad},
      {view_of({}), "Pool shop has no backend; 12 sessions; redis off", Severity::Bad}};
  for (const Row& row : rows) {
    CHECK(summary_text(row.view) == row.text);
    CHECK(severity_of(row.view) == row.severity);
  }
}

TEST_CASE("a pool that is sick as a whole serves, and says so") {
  StatusView view = view_of({State::Sick, State::Down});
  view.pools[0].state = "fail_open";
  CHECK(summary_text(view).starts_with("Pool shop sick, serving anyway: app1 SICK, app2 DOWN (probe_timeout);"));
  CHECK(severity_of(view) == Severity::Warn);
}

TEST_CASE("readiness, Redis and many pools show in the line") {
  StatusView view = view_of({State::Up});
  view.readiness = {.ready = false, .reason = "stopping"};
  view.redis = {.state = "degraded", .reason = "refused"};
  view.pools[0].sessions = 1;
  CHECK(summary_text(view) ==
        "Not ready (stopping); The backend of pool shop serving; 1 session; redis degraded (refused)");
  CHECK(severity_of(view) == Severity::Warn);

  StatusView full = view_of({State::Up});
  full.pools[0].sessions = full.pools[0].sessions_max = 1000;
  CHECK(summary_text(full) ==
        "The backend of pool shop serving; pool shop full (1000 of 1000 sessions); 1000 sessions; redis off");
  CHECK(severity_of(full) == Severity::Warn);
  full.pools[0].sessions_max = 1001;
  CHECK(severity_of(full) == Severity::Good);

  StatusView many = view_of({State::Up});
  many.pools.push_back(many.pools[0]);
  CHECK(summary_text(many) == "All 2 backends of 2 pools serving; 24 sessions; redis off");
  for (PoolView& pool : many.pools) pool.backends.push_back(sample_backend("b", State::Draining));
  many.pools.push_back(view_of({State::Down}).pools[0]);
  many.pools.back().name = "dead";
  many.pools.push_back(many.pools[0]);
  CHECK(summary_text(many) ==
        "NO backend of pool dead serving: app1 DOWN (probe_timeout); 1 of 2 backends of pool shop serving: b DRAINING; "
        "1 of 2 backends of pool shop serving: b DRAINING; 1 pool more with problems; 48 sessions; redis off");
}

TEST_CASE("a proxy that is gone is said, and never green") {
  StatusView view = view_of({State::Up});
  view.cluster.state = "ok";
  view.cluster.leader = "lb1";
  view.cluster.proxies = {{.name = "lb1", .is_self = true}};
  CHECK(severity_of(view) == Severity::Good);
  view.cluster.missing = {"lb2"};
  CHECK(summary_text(view) ==
        "The backend of pool shop serving; 12 sessions; redis off; 1 proxy, led by lb1, lb2 gone without a goodbye");
  CHECK(severity_of(view) == Severity::Warn);
  view.cluster.missing = {"lb2", "lb3", "lb4", "lb5"};
  CHECK(summary_text(view).ends_with("led by lb1, lb2, lb3, lb4 and 1 more gone without a goodbye"));
  view.cluster.state = "alone";  // what was known before it was alone stays known
  view.cluster.reason = "redis timeout";
  CHECK(summary_text(view).ends_with(
      "; this proxy alone (redis timeout), lb2, lb3, lb4 and 1 more gone without a goodbye"));
  CHECK(severity_of(view) == Severity::Warn);
}

TEST_CASE("readiness: what is missing, in words") {
  struct Row {
    ReadinessFacts facts;
    bool ready;
    const char* reason;
  };
  const Row rows[] = {{{.stopping = false, .listeners_open = true, .unprobed_pool = {}}, true, ""},
                      {{.stopping = false, .listeners_open = false, .unprobed_pool = "shop"},
                       false,
                       "starting: the listeners are not open yet"},
                      {{.stopping = false, .listeners_open = true, .unprobed_pool = "shop"},
                       false,
                       "starting: the first probes of pool shop are not done"},
                      {{.stopping = true, .listeners_open = true, .unprobed_pool = {}}, false, "stopping"}};
  for (const Row& row : rows) {
    const Readiness readiness = readiness_of(row.facts);
    CHECK(readiness.ready == row.ready);
    CHECK(readiness.reason == row.reason);
  }
}
