#include "sessions/session_usage_counter.h"

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
  MemoryStore store{{.sessions_max = 400'000, .idle_timeout = 30min, .seed = 7, .start = loop.now()}};
  SessionUsageCounter usage{store, loop, 30min};
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

TEST_CASE("the sessions of each backend are told apart by their last use") {
  Fixture f;
  CHECK_FALSE(f.usage.of(kA).has_value());
  f.come(kA, 9000);
  f.loop.advance(10min);
  f.come(kA, 2);
  f.loop.advance(5min);
  f.come(kA, 3);
  f.come(kB, 4);
  f.loop.advance(SessionUsageCounter::kEvery);
  const auto usage = f.usage.of(kA);
  REQUIRE(usage.has_value());
  CHECK(usage->active == 3);
  CHECK(usage->idle == 9002);
  REQUIRE(usage->idle_for.has_value());
  CHECK(*usage->idle_for >= 5min);
  CHECK(*usage->idle_for < 5min + 2s);
  CHECK(f.usage.of(kB) == SessionUsage{.active = 4, .idle = 0, .idle_for = {}});
}

TEST_CASE("it goes on counting, and of a backend without sessions it knows that there are none") {
  Fixture f;
  f.loop.run();
  CHECK(f.usage.of(kA) == SessionUsage{});
  f.come(kA, 1);
  CHECK(f.usage.of(kA) == SessionUsage{});
  f.loop.advance(SessionUsageCounter::kEvery);
  CHECK(f.usage.of(kA) == SessionUsage{.active = 1, .idle = 0, .idle_for = {}});
}

TEST_CASE("between two counts: who has come is active, who is idle is so for longer") {
  Fixture f;
  f.come(kA, 3);
  f.loop.advance(10min);
  const auto before = f.usage.of(kA);
  REQUIRE(before.has_value());
  CHECK(before->active_of(3) == 0);
  CHECK(before->active_of(5) == 2);
  CHECK(before->active_of(2) == 0);
  CHECK((SessionUsage{.active = 4, .idle = 2, .idle_for = {}}.active_of(3)) == 3);
  f.loop.advance(SessionUsageCounter::kEvery / 2);
  CHECK(*f.usage.of(kA)->idle_for - *before->idle_for == SessionUsageCounter::kEvery / 2);
}

TEST_CASE("the more there is to walk through, the longer it rests") {
  CHECK(SessionUsageCounter::rest_after(0) == 1s);
  CHECK(SessionUsageCounter::rest_after(799) == 1s);
  CHECK(SessionUsageCounter::rest_after(4000) == 6s);
  CHECK(SessionUsageCounter::rest_after(1'000'000) == 10s);

  Fixture f;
  f.come(kA, 300'000);
  f.loop.run();
  CHECK(f.usage.of(kA)->active == 300'000);
  f.come(kA, 1);
  f.loop.advance(SessionUsageCounter::kEvery);
  CHECK(f.usage.of(kA)->active == 300'000);
  f.loop.advance(SessionUsageCounter::kEvery);
  CHECK(f.usage.of(kA)->active == 300'001);
}
