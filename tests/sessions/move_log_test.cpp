#include "sessions/move_log.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

constexpr BackendTag kFrom{7};

Move moved(std::string_view reason) { return {.from = kFrom, .reason = reason, .at = base::wall_now()}; }

}  // namespace

TEST_CASE("the last move of a session is known") {
  MoveLog log;
  CHECK_FALSE(log.last({1, 2}));
  log.note({1, 2}, moved("down"));
  log.note({1, 3}, moved("maint"));
  log.note({1, 2}, moved("reset"));
  REQUIRE(log.last({1, 2}));
  CHECK(log.last({1, 2})->reason == "reset");
  CHECK(log.last({1, 2})->from == kFrom);
  CHECK(log.last({1, 3})->reason == "maint");
}

TEST_CASE("old moves are forgotten, not the number of sessions counts") {
  MoveLog log;
  for (std::uint64_t i = 0; i < MoveLog::kMovesMax + 10; ++i) {
    log.note({0, i}, moved("down"));
    log.note({0, i}, moved("reset"));  // one place, however often
  }
  CHECK_FALSE(log.last({0, 9}));
  CHECK(log.last({0, 10}));
  CHECK(log.last({0, MoveLog::kMovesMax + 9}));
}
