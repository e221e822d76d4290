#include "sessions/memory_census.h"

#include <doctest/doctest.h>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace std::chrono_literals;

namespace {

constexpr BackendTag kA{1};
constexpr BackendTag kB{2};

struct Fixture {
  tests::FakeLoop loop;
  MemoryStore store{{.sessions_max = 100'000, .idle_timeout = 30min, .seed = 7, .start = loop.now()}};
  MemoryCensus census{store, loop, 30min};
  std::uint64_t last = 0;

  void come(BackendTag to, int how_many) {
    for (int i = 0; i < how_many; ++i) store.bind({++last, ~last}, {to, Generation{1}}, loop.now());
  }
};

}  // namespace

TEST_CASE("active within: a minute or a sixteenth of the idle timeout, and never more than half of it") {
  CHECK(active_within(30min) == 112500ms);
  CHECK(active_within(10min) == 60s);
  CHECK(active_within(10s) == 5s);
}

TEST_CASE("the sessions of those watched are told apart by their last use") {
  Fixture f;
  CHECK_FALSE(f.census.of(kA).has_value());
  f.come(kA, 9000);
  f.loop.advance(10min);
  f.come(kA, 2);
  f.loop.advance(5min);
  f.come(kA, 3);
  f.come(kB, 4);
  f.census.watch({kA});
  f.loop.run();
  const auto census = f.census.of(kA);
  REQUIRE(census.has_value());
  CHECK(census->active == 3);
  CHECK(census->idle == 9002);
  REQUIRE(census->idle_for.has_value());
  CHECK(*census->idle_for >= 5min);
  CHECK(*census->idle_for < 5min + 1s);
  CHECK_FALSE(f.census.of(kB).has_value());
}

TEST_CASE("it goes on counting, until nobody is watched") {
  Fixture f;
  f.come(kA, 1);
  f.census.watch({kA, kB});
  f.loop.run();
  CHECK(f.census.of(kA) == Census{.active = 1, .idle = 0, .idle_for = {}});
  CHECK(f.census.of(kB) == Census{});
  f.come(kB, 2);
  f.loop.advance(MemoryCensus::kEvery);
  CHECK(f.census.of(kB)->active == 2);
  f.census.watch({kB});
  CHECK_FALSE(f.census.of(kA).has_value());
  f.census.watch({});
  CHECK_FALSE(f.census.of(kB).has_value());
  CHECK(f.loop.timers_set() == 0);
}
