#include "health/probe_plan.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;

namespace {

const base::Instant kStart = base::Instant{} + 1h;

}  // namespace

TEST_CASE("first probes are spread over a tenth of a second") {
  base::Random random(1);
  base::Instant lowest = base::Instant::max();
  base::Instant highest = base::Instant::min();
  for (int i = 0; i < 1000; ++i) {
    const base::Instant due = ProbePlan::first(kStart, random);
    lowest = std::min(lowest, due);
    highest = std::max(highest, due);
  }
  CHECK(lowest >= kStart);
  CHECK(lowest < kStart + 5ms);
  CHECK(highest > kStart + 95ms);
  CHECK(highest < kStart + 100ms);
}

TEST_CASE("the interval varies by the jitter, both ways, and counts from the start of the last probe") {
  struct Row {
    std::uint32_t percent;
    base::Duration least, most;
  };
  for (const Row& row : {Row{10, 1800ms, 2200ms}, Row{0, 2s, 2s}, Row{100, 0s, 4s}, Row{250, 0s, 4s}}) {
    INFO(row.percent);
    const conf::Probe probe{.interval = 2s, .jitter_percent = row.percent};
    ProbePlan plan(probe);
    plan.on_begun(kStart);
    base::Random random(7);
    base::Duration least = base::Duration::max();
    base::Duration most = base::Duration::min();
    for (int i = 0; i < 2000; ++i) {
      const base::Duration wait = plan.next(kStart, Pace::Steady, random) - kStart;
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    CHECK(least >= row.least);
    CHECK(most <= row.most);
    CHECK(least <= row.least + (row.most - row.least) / 20);
    CHECK(most >= row.most - (row.most - row.least) / 20);
  }
}

TEST_CASE("when the next probe is due") {
  const conf::Probe probe{.interval = 2s, .fast_interval = 200ms, .jitter_percent = 0};
  ProbePlan plan(probe);
  base::Random random(1);
  CHECK(plan.on_demand(kStart) == kStart);
  plan.on_begun(kStart);
  CHECK(plan.next(kStart + 5ms, Pace::Fast, random) == kStart + 200ms);
  CHECK(plan.next(kStart + 5ms, Pace::Steady, random) == kStart + 2s);
  CHECK_MESSAGE(plan.next(kStart + 1s, Pace::Fast, random) == kStart + 1s, "a slow probe is followed at once");
  CHECK_MESSAGE(plan.on_demand(kStart + 1ms) == kStart + 50ms, "failing requests do not become a stream of probes");
  CHECK(plan.on_demand(kStart + 80ms) == kStart + 80ms);
}

TEST_CASE("a fast interval below the gap is the gap") {
  const conf::Probe probe{.fast_interval = 10ms};
  ProbePlan plan(probe);
  plan.on_begun(kStart);
  CHECK(plan.on_demand(kStart) == kStart + 10ms);
}

TEST_CASE("which probes connect afresh") {
  struct Row {
    const char* why;
    std::uint32_t fresh_every;
    std::string results;  // of the probes before: '+', '-', 'd' discarded
    Connect want;
  };
  const Row rows[] = {
      {"the very first", 3, "", Connect::Fresh},
      {"the second keeps the connection", 3, "+", Connect::Reuse},
      {"and the third", 3, "++", Connect::Reuse},
      {"each third is fresh", 3, "+++", Connect::Fresh},
      {"then reuse again", 3, "++++", Connect::Reuse},
      {"after a failure", 3, "+-", Connect::Fresh},
      {"after a failure got over", 3, "+-+++-+", Connect::Reuse},
      {"after a discarded one", 10, "+d", Connect::Fresh},
      {"each one", 1, "+++++", Connect::Fresh},
      {"never but after a failure", 0, "++", Connect::Reuse},
      {"never, failure", 0, "+-", Connect::Fresh},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const conf::Probe probe{.fresh_every = row.fresh_every};
    ProbePlan plan(probe);
    for (const char result : row.results) {
      plan.on_begun(kStart);
      if (result == 'd') {
        plan.on_discarded();
      } else {
        plan.on_ended(result == '+' ? ProbeResult::Passed : ProbeResult::Failed);
      }
    }
    CHECK(plan.connect() == row.want);
  }
}
