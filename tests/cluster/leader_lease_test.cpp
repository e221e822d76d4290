#include "cluster/leader_lease.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;

TEST_CASE("the lease counts from the asking, ends by itself, and is renewed") {
  LeaderLease lease(3s);
  CHECK(!lease.is_held(kNow));
  lease.on_granted(kNow, 5);
  CHECK(lease.is_held(kNow + 3s - 1ns));
  CHECK(!lease.is_held(kNow + 3s));
  lease.on_granted(kNow + 1s, 5);
  CHECK(lease.is_held(kNow + 3s));
  CHECK(lease.fence() == 5);
  lease.on_refused(6);
  CHECK(!lease.is_held(kNow + 1s));
  CHECK(lease.fence() == 6);
}

TEST_CASE("the fencing number only rises, whatever arrives late") {
  LeaderLease lease(3s);
  lease.on_refused(9);
  lease.on_granted(kNow, 8);
  CHECK(!lease.is_held(kNow));
  CHECK(lease.fence() == 9);
  lease.on_granted(kNow, 10);
  lease.on_refused(9);
  CHECK(lease.is_held(kNow));
  CHECK(lease.fence() == 10);
  lease.lose();
  CHECK(!lease.is_held(kNow));
  CHECK(lease.fence() == 10);
}

TEST_CASE("pauses and clock jumps are noticed, a little lateness is not") {
  using Tick = TickWatch::Tick;
  struct Row {
    const char* why;
    base::Duration passed, wall_passed;
    Tick want;
  };
  const Row rows[] = {
      {"on time", 1s, 1s, Tick::OnTime},
      {"early, by a tick on demand", 0s, 0s, Tick::OnTime},
      {"a busy machine", 1900ms, 1900ms, Tick::OnTime},
      {"stopped and continued", 10s, 10s, Tick::Late},
      {"suspended with its machine", 1s, 1h, Tick::Late},
      {"the clock was set forward", 1s, 1min, Tick::Late},
      {"the clock was set back", 1s, -1h, Tick::OnTime},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    TickWatch watch(1s, 1s);
    const base::WallTime wall{1000h};
    CHECK(watch.on_tick(kNow, wall) == Tick::OnTime);
    const auto late_wall = wall + std::chrono::duration_cast<std::chrono::milliseconds>(row.wall_passed);
    CHECK(watch.on_tick(kNow + row.passed, late_wall) == row.want);
    CHECK_MESSAGE(watch.on_tick(kNow + row.passed + 1s, late_wall + 1s) == Tick::OnTime, "the next one counts anew");
  }
}
