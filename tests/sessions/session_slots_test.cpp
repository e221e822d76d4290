// How many may come in: counted with those that are just coming.
#include "sessions/session_slots.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

using Outcome = Admission::Outcome;
constexpr BackendTag kA{11}, kB{22}, kC{33};
constexpr base::Instant kNow{std::chrono::hours{1000}};

struct Fixture {
  void begin(std::uint64_t user, BackendTag at) { memory.bind({user, 1}, {at, Generation::None}, kNow); }
  Outcome ask(const SessionLimits& limits, BackendTag at) { return slots.take(limits, at).outcome; }

  MemoryStore memory{{.start = kNow}};
  SessionSlots slots{memory};
};

}  // namespace

TEST_CASE("a place is taken until it is given back, or a session has it") {
  Fixture f;
  const SessionLimits limits{.sessions_max = 2, .backends = {{kA, 0}, {kB, 0}}};
  Admission one = f.slots.take(limits, kA);
  const Admission two = f.slots.take(limits, kB);
  CHECK((one.reservation && two.reservation));
  CHECK(f.ask(limits, kA) == Outcome::PoolFull);
  one.reservation.reset();
  CHECK(f.ask(limits, kA) == Outcome::Admitted);  // and given back at once
  f.begin(1, kA);
  CHECK(f.ask(limits, kB) == Outcome::PoolFull);
  f.memory.end({1, 1});
  CHECK(f.ask(limits, kB) == Outcome::Admitted);
}

TEST_CASE("sessions of other pools do not count; a limit that has been passed holds") {
  Fixture f;
  const SessionLimits limits{.sessions_max = 1, .backends = {{kA, 0}}};
  f.begin(1, kB);
  CHECK(f.ask(limits, kA) == Outcome::Admitted);
  f.begin(2, kA);
  f.begin(3, kA);  // it moved here: moves do not ask
  CHECK(f.ask(limits, kA) == Outcome::PoolFull);
}

TEST_CASE("a backend that is full says who else is") {
  Fixture f;
  const SessionLimits limits{.sessions_max = 10, .backends = {{kA, 1}, {kB, 1}, {kC, 0}}};
  f.begin(1, kA);
  f.begin(2, kB);
  const Admission admission = f.slots.take(limits, kA);
  CHECK(admission.outcome == Outcome::BackendFull);
  CHECK(admission.full == std::vector{kA, kB});
  CHECK_FALSE(admission.reservation);
  CHECK(f.ask(limits, kC) == Outcome::Admitted);
}

TEST_CASE("limits there are when one of them is more than 0") {
  CHECK_FALSE(SessionLimits{.sessions_max = 0, .backends = {{kA, 0}}}.has_any());
  CHECK(SessionLimits{.sessions_max = 1, .backends = {}}.has_any());
  CHECK(SessionLimits{.sessions_max = 0, .backends = {{kA, 0}, {kB, 3}}}.has_any());
}

TEST_CASE("many threads: never one too many") {
  Fixture f;
  constexpr std::uint64_t kMost = 500;
  const SessionLimits limits{.sessions_max = kMost, .backends = {{kA, 0}, {kB, 0}}};
  std::atomic<std::uint64_t> users = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const std::uint64_t user = ++users;
        const BackendTag at = user % 2 == 0 ? kA : kB;
        const Admission admission = f.slots.take(limits, at);
        if (admission.outcome == Outcome::Admitted) f.begin(user, at);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(f.memory.size() == kMost);
}
