#include "health/pool_state.h"

#include <doctest/doctest.h>

#include <vector>

using namespace holdfast::health;

TEST_CASE("what a pool can do for a new session") {
  constexpr auto kUp = State::Up;
  constexpr auto kSick = State::Sick;
  constexpr auto kDown = State::Down;
  constexpr auto kMaint = State::Maint;
  constexpr auto kStarting = State::Starting;
  constexpr auto kDraining = State::Draining;
  struct Row {
    const char* why;
    PoolState before;
    std::vector<State> backends;
    PoolState want;
    bool on_purpose = false;
  };
  const Row rows[] = {
      {"at the start", PoolState::Unknown, {kStarting, kStarting}, PoolState::Unknown},
      {"one is enough", PoolState::Unknown, {kStarting, kUp, kDown}, PoolState::Serving},
      {"dead, and one still starting", PoolState::Unknown, {kStarting, kDown}, PoolState::Unknown},
      {"sick, and one still starting", PoolState::Unknown, {kStarting, kSick}, PoolState::Unknown},
      {"dead from the start", PoolState::Unknown, {kDown, kDown}, PoolState::Closed},
      {"one sick of two", PoolState::Serving, {kSick, kUp}, PoolState::Serving},
      {"all sick", PoolState::Serving, {kSick, kSick}, PoolState::FailOpen},
      {"the rest is sick", PoolState::Serving, {kSick, kDown, kMaint, kDraining, kStarting}, PoolState::FailOpen},
      {"all dead", PoolState::FailOpen, {kDown, kDown}, PoolState::Closed},
      {"all starting again", PoolState::Serving, {kStarting, kStarting}, PoolState::Closed},
      {"drained to the last", PoolState::Serving, {kDraining, kMaint}, PoolState::Closed, true},
      {"maintenance of all", PoolState::Serving, {kMaint, kMaint}, PoolState::Closed, true},
      {"maintenance of what is not dead", PoolState::Serving, {kMaint, kDown}, PoolState::Closed},
      {"back", PoolState::Closed, {kDown, kUp}, PoolState::Serving},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    PoolTally tally;
    for (const State state : row.backends) tally.enter(state);
    CHECK(name_of(judge(tally, row.before)) == name_of(row.want));
    CHECK(is_on_purpose(tally) == row.on_purpose);
  }
}
