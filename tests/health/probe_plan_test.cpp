#include "health/probe_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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

namespace {

/// What the probes of one backend look like when `proxies` proxies share them for a minute of their clock.
struct Shared {
  std::size_t probes = 0;
  base::Duration gap_max{};
  std::vector<std::size_t> by_proxy;
};

Shared shared_minute(std::uint32_t proxies, std::string_view backend, const conf::Probe& probe, base::Instant epoch) {
  std::vector<base::Instant> sent;
  Shared out;
  base::Random random(proxies);
  for (std::uint32_t index = 0; index < proxies; ++index) {
    ProbePlan plan(probe);
    const Share share{.index = index, .count = proxies, .epoch = epoch};
    base::Instant now = kStart;
    out.by_proxy.push_back(0);
    for (;;) {
      now = plan.next_shared(now, share, turn_of(backend), random);
      if (now >= kStart + 60s) break;
      plan.on_begun(now);
      sent.push_back(now);
      ++out.by_proxy.back();
      now += 3ms;  // the response
    }
  }
  std::sort(sent.begin(), sent.end());
  out.probes = sent.size();
  for (std::size_t i = 1; i < sent.size(); ++i) out.gap_max = std::max(out.gap_max, sent[i] - sent[i - 1]);
  return out;
}

}  // namespace

TEST_CASE("proxies that share send the probes of one, without a long gap, each its part") {
  for (const std::uint32_t proxies : {1u, 2u, 3u, 7u}) {
    for (const char* backend : {"shop/app1", "shop/app2", "a/b", ""}) {
      for (const base::Duration epoch : {base::Duration{0}, base::Duration{1h}, base::Duration{2h} + 777ms}) {
        for (const std::uint32_t jitter : {0u, 10u, 100u}) {
          CAPTURE(proxies);
          CAPTURE(backend);
          CAPTURE(jitter);
          const conf::Probe probe{.interval = 2s, .jitter_percent = jitter};
          const Shared got = shared_minute(proxies, backend, probe, base::Instant{} + epoch);
          CHECK(got.probes >= 27);
          CHECK(got.probes <= 33);
          CHECK(got.gap_max <= 3s);
          for (const std::size_t part : got.by_proxy) {
            CHECK(part >= 30 / proxies - 1);
            CHECK(part <= 30 / proxies + 2);
          }
        }
      }
    }
  }
}

TEST_CASE("backends are probed at other times than each other, and each begins with another proxy") {
  const conf::Probe probe{.interval = 2s, .jitter_percent = 0};
  base::Random random(1);
  std::set<base::Instant> dues;
  for (int backend = 0; backend < 20; ++backend) {
    const ProbePlan plan(probe);
    dues.insert(plan.next_shared(kStart, {.index = 0, .count = 2, .epoch = {}},
                                 turn_of("shop/app" + std::to_string(backend)), random));
  }
  CHECK(dues.size() == 20);
  CHECK(*dues.begin() < kStart + 1s);
  CHECK(*dues.rbegin() > kStart + 3s);
  CHECK(*dues.rbegin() <= kStart + 4s);
}

TEST_CASE("a turn is not served twice, and a clock that jumps costs no more than a round of turns") {
  const conf::Probe probe{.interval = 2s, .jitter_percent = 0};
  base::Random random(1);
  const Share share{.index = 1, .count = 3, .epoch = kStart};
  ProbePlan plan(probe);
  const base::Instant due = plan.next_shared(kStart, share, 7, random);
  plan.on_begun(due - 10ms);  // on demand, just before the turn
  CHECK(plan.next_shared(due - 5ms, share, 7, random) == due + 6s);
  for (const base::Duration jump :
       {base::Duration{-1h}, base::Duration{-1s}, base::Duration{1s}, base::Duration{1000h}}) {
    const Share moved{.index = 1, .count = 3, .epoch = kStart + jump};
    const base::Instant next = plan.next_shared(due, moved, 7, random);
    CHECK(next >= due + 990ms);
    CHECK(next <= due + 7s);
  }
}
