#include "health/outlier.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <vector>

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;
using base::ErrorCode;

namespace {

const base::Instant kStart = base::Instant{} + 1h;
constexpr std::uint32_t kRise = 2;

conf::Passive passive() { return {.failures = 5, .eject = 10s, .eject_max = 35s, .ejected_percent_max = 50}; }

// Ejects at `now` and lets a good probe bring it back when its time is over; answers how long that took.
base::Duration one_ejection(Outlier& outlier, base::Instant now) {
  outlier.eject(now, ErrorCode::Reset);
  const base::Duration length = outlier.until() - now;
  outlier.on_probe(Reason::None, ProbeState::Passing, outlier.until(), outlier.until());
  CHECK(!outlier.is_ejected());
  return length;
}

// ---- what ends an ejection

struct Step {
  enum class Kind { Good, Bad, BadRefused, Late } kind;
  base::Duration began;  // since the ejection of 10 s
  ProbeState state = ProbeState::Passing;
};
using enum Step::Kind;
struct EndRow {
  const char* why;
  ErrorCode cause;
  std::vector<Step> steps;
  bool ejected;
};

void take(Outlier& outlier, const Step& step) {
  const base::Instant began = kStart + step.began;
  switch (step.kind) {
    case Good:
      outlier.on_probe(Reason::None, step.state, began, began + 1ms);
      break;
    case Bad:
      outlier.on_probe(Reason::ProbeTimeout, step.state, began, began + 1ms);
      break;
    case BadRefused:
      outlier.on_probe(Reason::ProbeRefused, step.state, began, began + 1ms);
      break;
    case Late:
      outlier.on_late_failure(ErrorCode::Refused);
      break;
  }
}

void check_rows(std::initializer_list<EndRow> rows) {
  const conf::Passive settings = passive();
  for (const EndRow& row : rows) {
    INFO(row.why);
    Outlier outlier(settings, kRise);
    outlier.eject(kStart, row.cause);
    for (const Step& step : row.steps) take(outlier, step);
    CHECK(outlier.is_ejected() == row.ejected);
  }
}

}  // namespace

TEST_CASE("the cap: an outage is not an outlier") {
  struct Row {
    const char* why;
    PoolCount pool;
    std::uint32_t percent;
    bool want;
  };
  const Row rows[] = {
      {"the only backend", {1, 0, 1}, 50, false},
      {"one of two", {2, 0, 2}, 50, true},
      {"the last that serves of two", {2, 1, 1}, 50, false},
      {"the last that serves, the other is down by probe", {2, 0, 1}, 50, false},
      {"one of three", {3, 0, 3}, 50, true},
      {"two of three are more than half", {3, 1, 2}, 50, false},
      {"two of three at 70 %", {3, 1, 2}, 70, true},
      {"exactly the share", {4, 1, 3}, 50, true},
      {"above the share", {4, 2, 2}, 50, false},
      {"one may go in any case", {3, 0, 3}, 10, true},
      {"but only one", {3, 1, 2}, 10, false},
      {"0 %: nobody", {10, 0, 10}, 0, false},
      {"100 %: all but the last", {3, 2, 1}, 100, false},
      {"100 %", {3, 1, 2}, 100, true},
      {"large pools do not overflow", {4'000'000'000u, 1'999'999'999u, 2'000'000'000u}, 50, true},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(may_eject(row.pool, row.percent) == row.want);
  }
}

TEST_CASE("enough failures in a row ask for an ejection") {
  conf::Passive settings = passive();
  Outlier outlier(settings, kRise);
  CHECK(!outlier.wants_ejection(4));
  CHECK(outlier.wants_ejection(5));
  CHECK(outlier.wants_ejection(99));
  outlier.eject(kStart, ErrorCode::Reset);
  CHECK_MESSAGE(!outlier.wants_ejection(6), "it is out already");
  settings.failures = 0;
  CHECK_MESSAGE(!Outlier(settings, kRise).wants_ejection(1000), "0 is off");
}

TEST_CASE("ejections grow, up to the longest, and shrink after quiet times") {
  const conf::Passive settings = passive();
  Outlier outlier(settings, kRise);
  base::Instant now = kStart;
  for (const base::Duration want : {10s, 20s, 30s, 35s, 35s}) {
    const base::Duration length = one_ejection(outlier, now);
    CHECK(length == want);
    now += length + 1s;
  }
  CHECK(outlier.ejections_total() == 5);
  now += 34s;  // 35 s since it came back: one step down from the 4th
  CHECK(one_ejection(outlier, now) == 35s);
  now += 35s + 2 * 35s;
  CHECK_MESSAGE(one_ejection(outlier, now) == 30s, "two steps down, one up");
  now += 30s + 24h;
  CHECK_MESSAGE(one_ejection(outlier, now) == 10s, "all forgotten");
}

TEST_CASE("an eject time of zero or above the longest") {
  conf::Passive settings = passive();
  settings.eject = 0s;
  Outlier none(settings, kRise);
  CHECK(one_ejection(none, kStart) == 0s);
  CHECK(one_ejection(none, kStart + 1s) == 0s);
  settings.eject = 1h;
  Outlier longest(settings, kRise);
  CHECK(one_ejection(longest, kStart) == 35s);
  CHECK(one_ejection(longest, kStart + 40s) == 35s);
}

TEST_CASE("what ends an ejection: its time, then a good probe") {
  check_rows({
      {"good probes alone do not help one that resets requests",
       ErrorCode::Reset,
       {{Good, 1s}, {Good, 2s}, {Good, 9s}},
       true},
      {"the first good probe after the time does", ErrorCode::Reset, {{Good, 1s}, {Good, 10s}}, false},
      {"begun before the time, answered after", ErrorCode::Timeout, {{Good, 9999ms}}, true},
      {"a bad probe after the time", ErrorCode::Reset, {{Bad, 10s}}, true},
      {"bad, then good after the time", ErrorCode::Reset, {{Bad, 10s}, {Good, 11s}}, false},
  });
}

TEST_CASE("what ends an ejection: probes alone, where they see what requests met") {
  check_rows({
      {"refused: `rise` good probes", ErrorCode::Refused, {{Good, 1s}, {Good, 2s}}, false},
      {"refused: one is not enough", ErrorCode::Refused, {{Good, 1s}}, true},
      {"refused: in a row", ErrorCode::Refused, {{Good, 1s}, {Bad, 2s}, {Good, 3s}}, true},
      {"unreachable is as good as refused", ErrorCode::Unreachable, {{Good, 1s}, {Good, 2s}}, false},
      {"reset, but a later request was refused", ErrorCode::Reset, {{Late, 0s}, {Good, 1s}, {Good, 2s}}, false},
      {"reset, then a probe is refused: it was killed",
       ErrorCode::Reset,
       {{BadRefused, 1s}, {Good, 2s}, {Good, 3s}},
       false},
      {"reset and one bad probe: could be chance", ErrorCode::Reset, {{Bad, 1s}, {Good, 2s}, {Good, 3s}}, true},
      {"reset and down by probes: the probes see it, they judge",
       ErrorCode::Reset,
       {{Bad, 1s, ProbeState::Failing}, {Good, 2s, ProbeState::Failing}, {Good, 3s}},
       false},
      {"not while the probes still say down",
       ErrorCode::Reset,
       {{Bad, 1s, ProbeState::Failing}, {Good, 11s, ProbeState::Failing}},
       true},
  });
}

TEST_CASE("without probes the time alone ends it") {
  const conf::Passive settings = passive();
  Outlier outlier(settings, kRise);
  outlier.eject(kStart, ErrorCode::Refused);
  outlier.on_time(kStart + 9999ms);
  CHECK(outlier.is_ejected());
  outlier.on_time(kStart + 10s);
  CHECK(!outlier.is_ejected());
}

TEST_CASE("gone is forgotten with the next ejection") {
  const conf::Passive settings = passive();
  Outlier outlier(settings, kRise);
  outlier.eject(kStart, ErrorCode::Refused);
  CHECK(outlier.is_gone());
  outlier.on_time(kStart + 10s);
  outlier.eject(kStart + 11s, ErrorCode::Reset);
  CHECK(!outlier.is_gone());
}
