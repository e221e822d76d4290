#include "server/drain_step.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::server;
using namespace std::chrono_literals;
using Stage = DrainFacts::Stage;

TEST_CASE("drains: what is done, and when it is over") {
  struct Row {
    const char* why;
    DrainFacts facts;
    DrainStep want;
  };
  constexpr DrainStep kNothing{};
  constexpr DrainStep kOver{.is_over = true};
  constexpr DrainStep kMoves{.moves = true};
  constexpr DrainStep kEndsLong{.ends_long = true};
  const Row rows[] = {
      {"who is left stays", {.sessions = 3}, kNothing},
      {"the last has left", {.sessions = 0}, {.ends_long = true, .is_over = true}},
      {"a tunnel of somebody who has left", {.sessions = 0, .requests = 1}, kEndsLong},
      {"requests of other proxies are not known", {.sessions = 0, .requests = std::nullopt}, kEndsLong},
      {"after a restart nobody has come back yet", {.sessions = 0, .is_counted = false}, kNothing},
      {"without stickiness tunnels stay until the deadline", {.is_sticky = false, .requests = 1}, kNothing},
      {"without stickiness, and quiet", {.is_sticky = false}, kOver},
      {"the deadline: the rest moves", {.stage = Stage::Overdue, .sessions = 3, .requests = 2}, kMoves},
      {"it is under way", {.stage = Stage::Overdue, .sessions = 3, .is_moving = true, .requests = 2}, kNothing},
      {"another proxy does it", {.stage = Stage::Overdue, .sessions = 3, .may_move = false}, kNothing},
      {"moved: tunnels end", {.stage = Stage::Overdue, .requests = 2}, kEndsLong},
      {"moved, and quiet", {.stage = Stage::Overdue}, {.ends_long = true, .is_over = true}},
      {"moved, as far as this process knows",
       {.stage = Stage::Overdue, .is_counted = false},
       {.ends_long = true, .is_over = true}},
      {"nobody takes them: tunnels end all the same",
       {.stage = Stage::Overdue, .overdue = 2s, .sessions = 3, .may_move = false},
       kEndsLong},
      {"sessions that do not move hold nothing up",
       {.stage = Stage::Overdue, .overdue = 1s, .is_movable = false, .sessions = 3},
       kOver},
      {"tunnels without sessions stay for a moment",
       {.stage = Stage::Overdue, .overdue = 1s, .is_sticky = false, .requests = 1},
       kNothing},
      {"and no longer", {.stage = Stage::Overdue, .overdue = 2s, .is_sticky = false, .requests = 1}, kEndsLong},
      {"maintenance", {.stage = Stage::Maint, .sessions = 3, .requests = 1}, kEndsLong},
      {"maintenance, and quiet", {.stage = Stage::Maint, .sessions = 3}, {.ends_long = true, .is_over = true}},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(drain_step(row.facts) == row.want);
  }
}
