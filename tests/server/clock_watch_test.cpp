#include "server/clock_watch.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::server;
using namespace std::chrono_literals;

TEST_CASE("the time of day: what is a jump, and what is not") {
  struct Row {
    const char* why;
    base::Duration passed;
    std::chrono::milliseconds wall_passed;
    std::optional<base::Duration> want;
  };
  const Row rows[] = {{"as it should be", 1s, 1s, std::nullopt},  {"a late tick", 40s, 40s, std::nullopt},
                      {"a little slow", 1s, 990ms, std::nullopt}, {"set back an hour", 1s, 1s - 3600s, -3600s},
                      {"set on, or suspended", 1s, 61s, 60s},     {"just below", 1s, 5999ms, std::nullopt}};
  for (const Row& row : rows) {
    INFO(row.why);
    ClockWatch watch;
    const base::Instant now{1000s};
    const base::WallTime wall{1'769'860'800s};
    CHECK_FALSE(watch.on_tick(now, wall).has_value());
    CHECK(watch.on_tick(now + row.passed, wall + row.wall_passed) == row.want);
    CHECK_FALSE(watch.on_tick(now + row.passed + 1s, wall + row.wall_passed + 1s).has_value());  // said once
  }
}
