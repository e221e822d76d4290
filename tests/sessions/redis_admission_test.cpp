// Places that Redis gives out, as one worker asks for them: what becomes of each response, and of none.
#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "sessions/redis_store.h"
#include "tests/sessions/manual_redis.h"
#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

using Outcome = Admission::Outcome;
constexpr BackendTag kA{11};
const Key kShown{1, 2};

struct Visitor final : StoreHandler {
  void on_binding(const BindResult&) override {}
  void on_admission(Admission admission) override { admitted = std::move(admission); }
  void on_published() override {}
  std::optional<Admission> admitted;
};

struct Fixture {
  AskedAdmission ask(const Key* shown = nullptr) {
    return store.admit({.pool = "app", .key = shown, .backend = kA, .limits = limits}, loop.now(), visitor);
  }
  Outcome said() const {
    REQUIRE(visitor.admitted);
    return visitor.admitted->outcome;
  }

  FakeLoop loop;
  ManualRedis redis;
  MemoryStore memory{{.start = loop.now()}};
  SessionSlots slots{memory};
  CopyLease copy_lease{"lb1"};
  RedisStore store{memory, slots, copy_lease, redis, loop, {.names = {"hf"}, .idle_timeout = 1h}};
  std::shared_ptr<const SessionLimits> limits =
      std::make_shared<SessionLimits>(SessionLimits{.sessions_max = 1, .backends = {{kA, 0}}});
  Visitor visitor;
};

}  // namespace

TEST_CASE("a place that Redis has given is given back to it") {
  Fixture f;
  const AskedAdmission asked = f.ask();
  REQUIRE(asked.later);
  f.redis.respond("admitted");
  CHECK(f.said() == Outcome::Admitted);
  CHECK(f.redis.told.empty());
  f.visitor.admitted.reset();
  CHECK(f.redis.told.size() == 1);
}

TEST_CASE("who leaves before the response gives back what may have been taken") {
  Fixture f;
  AskedAdmission asked = f.ask();
  asked.later.reset();
  CHECK(f.redis.told.size() == 1);
}

TEST_CASE("a full pool is remembered for a moment: a crowd at the door does not ask Redis one by one") {
  Fixture f;
  const AskedAdmission first = f.ask();
  f.redis.respond("pool_full");
  CHECK(f.said() == Outcome::PoolFull);
  CHECK_MESSAGE(f.redis.told.empty(), "nothing was taken");

  const AskedAdmission second = f.ask();
  CHECK(second.later == nullptr);
  CHECK(second.now.outcome == Outcome::PoolFull);
  const AskedAdmission known = f.ask(&kShown);
  CHECK_MESSAGE(known.later != nullptr, "another proxy may know this session");

  f.loop.advance(99ms);
  CHECK(f.ask().later == nullptr);
  f.loop.advance(1ms);
  CHECK(f.ask().later != nullptr);
}

TEST_CASE("other limits, as after a reload: what was full before is no response") {
  Fixture f;
  const AskedAdmission first = f.ask();
  f.redis.respond("pool_full");
  f.limits = std::make_shared<SessionLimits>(SessionLimits{.sessions_max = 2, .backends = {{kA, 0}}});
  CHECK(f.ask().later != nullptr);
}

TEST_CASE("a Redis with too much to do lifts no limit; one that does not answer leaves it to this process") {
  Fixture f;
  const Key* shown = nullptr;
  base::Error error{base::ErrorCode::Overload, "too many commands wait for redis"};
  std::array<Outcome, 2> expected{};
  SUBCASE("overload, somebody new") { expected = {Outcome::PoolFull, Outcome::PoolFull}; }
  SUBCASE("overload, somebody who shows a session") {
    shown = &kShown;
    expected = {Outcome::IsIn, Outcome::IsIn};
  }
  SUBCASE("timeout: our own places count") {
    error.code = base::ErrorCode::Timeout;
    expected = {Outcome::Admitted, Outcome::PoolFull};
  }
  Admission held;
  for (const Outcome outcome : expected) {
    const AskedAdmission asked = f.ask(shown);
    f.redis.respond(error);
    CHECK(f.said() == outcome);
    if (outcome == Outcome::Admitted) held = *std::exchange(f.visitor.admitted, std::nullopt);
  }
}
