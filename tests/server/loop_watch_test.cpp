#include "server/loop_watch.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("the service manager hears of us while all workers turn, and not while one hangs") {
  tests::FakeLoop loop;
  std::vector<int> asked(2);
  int said = 0;
  server::LoopWatch watch(loop, 2, 1s,
                          {.ask = [&](std::size_t worker) { ++asked[worker]; }, .all_turn = [&] { ++said; }});
  watch.start();
  CHECK(said == 1);
  const auto turn = [&](bool first, bool second) {
    if (first) watch.on_heartbeat(0);
    if (second) watch.on_heartbeat(1);
    loop.advance(1s);
  };
  turn(true, true);
  CHECK(said == 2);
  turn(true, false);
  turn(true, false);
  CHECK(said == 2);
  CHECK(asked[0] == 4);
  CHECK(asked[1] == 2);  // one question waits for it: more would only pile up
  turn(true, true);
  CHECK(said == 3);
  turn(true, true);
  CHECK(said == 4);
}
