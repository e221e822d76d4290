#include "server/loop_watch.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

/// Counts what a watch asks and reports.
struct Owner final : server::LoopWatch::Owner {
  void on_ask(std::size_t worker) override { ++asked[worker]; }
  void on_all_turning() override { ++reported; }

  std::vector<int> asked = std::vector<int>(2);
  int reported = 0;
};

}  // namespace

TEST_CASE("the service manager hears of us while all workers turn, and not while one hangs") {
  tests::FakeLoop loop;
  Owner owner;
  server::LoopWatch watch(loop, 2, 1s, owner);
  watch.start();
  CHECK(owner.reported == 1);
  const auto turn = [&](bool first, bool second) {
    if (first) watch.on_heartbeat(0);
    if (second) watch.on_heartbeat(1);
    loop.advance(1s);
  };
  turn(true, true);
  CHECK(owner.reported == 2);
  turn(true, false);
  turn(true, false);
  CHECK(owner.reported == 2);
  CHECK(owner.asked[0] == 4);
  CHECK(owner.asked[1] == 2);  // one question waits for it: more would only pile up
  turn(true, true);
  CHECK(owner.reported == 3);
  turn(true, true);
  CHECK(owner.reported == 4);
}
