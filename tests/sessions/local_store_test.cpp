// The map of a single proxy while it goes to another process.
#include "sessions/local_store.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "sessions/order.h"

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

constexpr BackendTag kA{11}, kB{22};
constexpr base::Instant kNow{std::chrono::hours{1000}};
constexpr Key kAnna{1, 2};

struct RecordingHandler final : StoreHandler {
  void on_binding(const BindResult& holds) override { bindings.push_back(holds); }
  void on_admission(Admission) override {}
  void on_published() override { ++ended; }
  std::vector<BindResult> bindings;
  int ended = 0;
};

struct Fixture {
  MemoryStore memory{{.start = kNow}};
  MemoryStore elsewhere{{.start = kNow}};
  SessionSlots slots{memory};
  LocalStore store{memory, slots};
  RecordingHandler handler;
  std::vector<std::pair<std::uint64_t, SessionChange>> passed;

  void suspend() {
    store.suspend([this](std::uint64_t number, const SessionChange& change) { passed.emplace_back(number, change); });
  }
  /// The other process decides all that waits.
  void respond() {
    for (const auto& [number, change] : std::exchange(passed, {})) {
      store.on_response(number, apply(elsewhere, change, kNow), kNow);
    }
  }
};

}  // namespace

TEST_CASE("suspended: what is known is found, what would change waits for the other process") {
  Fixture f;
  CHECK_FALSE(f.store.bind("p", kAnna, {kA, {}}, kNow, f.handler).later);
  f.suspend();
  CHECK(f.store.find("p", kAnna, kNow)->is_sure);
  const auto bound = f.store.bind("p", {3, 4}, {kA, {}}, kNow, f.handler);
  const auto moved = f.store.move("p", kAnna, {kA, Generation{1}}, kB, kNow, f.handler);
  const auto ended = f.store.end("p", {5, 6}, kNow, Ending::Forget, f.handler);
  CHECK((bound.later && moved.later && ended));
  CHECK_FALSE(f.memory.find({3, 4}, kNow));
  CHECK(f.memory.find(kAnna, kNow)->binding.backend == kA);

  f.elsewhere.bind(kAnna, {kA, {}}, kNow);
  f.elsewhere.bind({3, 4}, {kB, {}}, kNow);  // somebody was quicker
  f.store.distrust();
  f.respond();
  REQUIRE(f.handler.bindings.size() == 2);
  CHECK(f.handler.bindings[0] == Binding{kB, Generation{1}});
  CHECK_FALSE(f.handler.bindings[0].is_ours);
  CHECK(f.handler.bindings[1] == Binding{kB, Generation{2}});
  CHECK(f.handler.bindings[1].is_ours);
  CHECK(f.handler.ended == 1);
  // It is remembered, but nothing is sure any more.
  CHECK(f.store.find("p", {3, 4}, kNow)->binding.backend == kB);
  CHECK_FALSE(f.store.find("p", {3, 4}, kNow)->is_sure);
}

TEST_CASE("resumed: what waits is decided here, in the order it was asked in") {
  Fixture f;
  f.suspend();
  f.store.distrust();
  const BindResult begun = f.store.begin("p", kAnna, kA, kNow);
  CHECK(begun.is_ours);
  const auto moved = f.store.move("p", kAnna, begun.binding(), kB, kNow, f.handler);
  REQUIRE(f.passed.size() == 2);
  f.store.resume(kNow);
  REQUIRE(f.handler.bindings.size() == 1);
  CHECK(f.handler.bindings[0] == Binding{kB, next(kFirstKnown)});
  CHECK(f.store.find("p", kAnna, kNow)->is_sure);
  CHECK_FALSE(f.store.bind("p", {3, 4}, {kA, {}}, kNow, f.handler).later);
  f.respond();  // too late: nobody waits
  CHECK(f.handler.bindings.size() == 1);
}

TEST_CASE("who stops waiting is not called; what was asked for happens all the same") {
  Fixture f;
  f.suspend();
  auto bound = f.store.bind("p", kAnna, {kA, {}}, kNow, f.handler);
  bound.later.reset();
  f.respond();
  CHECK(f.handler.bindings.empty());
  CHECK(f.memory.find(kAnna, kNow)->binding.backend == kA);
}

TEST_CASE("a question may outlive the store") {
  RecordingHandler handler;
  std::unique_ptr<Question> question;
  {
    Fixture f;
    f.suspend();
    question = f.store.bind("p", kAnna, {kA, {}}, kNow, handler).later;
  }
  question.reset();
  CHECK(handler.bindings.empty());
}

TEST_CASE("suspended: whom only the other process may know is not refused") {
  Fixture f;
  f.store.bind("p", kAnna, {kA, {}}, kNow, f.handler);
  const auto limits = std::make_shared<const SessionLimits>(SessionLimits{.sessions_max = 1, .backends = {{kA, 0}}});
  const Key bert{3, 4};
  const auto ask = [&](const Key* key) {
    return f.store.admit({.pool = "p", .key = key, .backend = kA, .limits = limits}, kNow, f.handler).now.outcome;
  };
  CHECK(ask(&bert) == Admission::Outcome::PoolFull);
  f.suspend();
  CHECK(ask(&bert) == Admission::Outcome::IsIn);
  CHECK(ask(nullptr) == Admission::Outcome::PoolFull);
}
