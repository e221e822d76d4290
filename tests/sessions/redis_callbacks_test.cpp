// What is on the stack is not destroyed there: a response finds its call alive until it has returned, whatever whoever
// waited for it does meanwhile. ManualRedis uses each call once more after its response; AddressSanitizer sees the
// rest.
#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "sessions/redis_registry.h"
#include "sessions/redis_store.h"
#include "sessions/shared_map.h"
#include "tests/sessions/manual_redis.h"
#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

constexpr Key kKey{1, 2};
constexpr BackendTag kA{11};
constexpr BackendTag kB{12};

/// Lets go of its question as soon as it has the response, and asks again if it is told to.
struct Handler final : StoreHandler {
  void on_binding(const BindResult& holds) override {
    question.reset();
    bound = holds;
    if (then) std::exchange(then, nullptr)();
  }
  void on_admission(Admission admission) override {
    question.reset();
    admitted = std::move(admission);
  }
  void on_published() override {
    question.reset();
    ++ended;
  }
  std::unique_ptr<Question> question;
  std::function<void()> then;
  std::optional<BindResult> bound;
  std::optional<Admission> admitted;
  int ended = 0;
};

struct Fixture {
  static redis::RedisReply binding(BackendTag tag, bool is_ours = true) {
    return list_reply({text_reply("1"), text_reply(tag_text(tag)), number_reply(is_ours ? 1 : 0)});
  }
  static redis::RedisReply changed() { return list_reply({number_reply(1), list_reply({text_reply("lb2")})}); }
  void ack() {
    copy_lease.deliver(0, 1, "lb2");
    loop.run();
  }

  FakeLoop loop;
  ManualRedis redis;
  MemoryStore memory{{.start = loop.now()}};
  SessionSlots slots{memory};
  CopyLease copy_lease{"lb1"};
  Handler handler;
};

struct StoreFixture : Fixture {
  RedisStore store{memory, slots, copy_lease, redis, loop, {.names = {"hf"}, .idle_timeout = 1h}};
};

struct RegistryFixture : Fixture {
  RedisRegistry registry{redis, copy_lease, loop, {.names = {"hf"}, .idle_timeout = 1h}};
};

}  // namespace

TEST_CASE("a handler that lets go of its question in the response, and asks the next one there") {
  StoreFixture f;
  f.handler.question = f.store.bind("shop", kKey, {kA, {}}, f.loop.now(), f.handler).later;
  f.handler.then = [&] {
    f.handler.question = f.store.move("shop", kKey, {kA, Generation{1}}, kB, f.loop.now(), f.handler).later;
  };
  SUBCASE("answered") {
    f.redis.respond(Fixture::binding(kA));
    f.redis.respond(list_reply({text_reply("2"), text_reply(tag_text(kB)), number_reply(1)}));
  }
  SUBCASE("not answered: the copies decide") {
    f.redis.fail(base::ErrorCode::Timeout);
    f.redis.fail(base::ErrorCode::Timeout);
  }
  REQUIRE(f.handler.bound);
  CHECK(*f.handler.bound == Binding{kB, Generation{2}});
  CHECK(f.handler.question == nullptr);
  f.loop.run();
}

TEST_CASE("a handler that leaves before the response hears nothing, and the call is given up") {
  StoreFixture f;
  f.handler.question = f.store.bind("shop", kKey, {kA, {}}, f.loop.now(), f.handler).later;
  f.handler.question.reset();
  CHECK_FALSE(f.redis.is_waited_for());
  f.redis.respond(Fixture::binding(kA));
  CHECK_FALSE(f.handler.bound);
}

TEST_CASE("an admission") {
  StoreFixture f;
  const auto limits = std::make_shared<SessionLimits>(SessionLimits{.sessions_max = 1, .backends = {{kA, 0}}});
  f.handler.question = f.store.admit({.pool = "shop", .backend = kA, .limits = limits}, f.loop.now(), f.handler).later;
  f.redis.respond("admitted");
  REQUIRE(f.handler.admitted);
  CHECK(f.handler.admitted->outcome == Admission::Outcome::Admitted);
  CHECK_MESSAGE(f.redis.told.empty(), "the place is still held");
}

TEST_CASE("an offer, for which nobody waits") {
  StoreFixture f;
  f.store.begin("shop", kKey, kA, f.loop.now());
  SUBCASE("answered") { f.redis.respond(Fixture::binding(kA)); }
  SUBCASE("not answered") { f.redis.fail(base::ErrorCode::Timeout); }
  CHECK(f.redis.asked() == 0);
}

TEST_CASE("an end: by the last ack, or by the time") {
  StoreFixture f;
  f.handler.question = f.store.end("shop", kKey, f.loop.now(), Ending::Mark, f.handler);
  f.redis.respond(list_reply({text_reply("1"), list_reply({text_reply("lb2")})}));
  CHECK(f.handler.ended == 0);
  SUBCASE("ack") { f.ack(); }
  SUBCASE("time") { f.loop.advance(100ms); }
  CHECK(f.handler.ended == 1);
}

TEST_CASE("the store may go with its questions, in the turn in which some were answered") {
  auto f = std::make_unique<Fixture>();
  auto store = std::make_unique<RedisStore>(f->memory, f->slots, f->copy_lease, f->redis, f->loop,
                                            RedisStore::Options{.names = {"hf"}, .idle_timeout = 1h});
  f->handler.question = store->end("shop", kKey, f->loop.now(), Ending::Mark, f->handler);
  f->redis.respond(list_reply({text_reply("1"), list_reply({})}));
  CHECK(f->handler.ended == 1);
  f->handler.question = store->bind("shop", kKey, {kA, {}}, f->loop.now(), f->handler).later;
  store.reset();
  f->handler.question.reset();
  CHECK_FALSE(f->redis.is_waited_for());
}

TEST_CASE("the copies that a walk offers") {
  Fixture f;
  SharedMap map(f.memory, f.copy_lease, f.redis, f.loop, {"hf"}, 1h);
  map.set_pools({{"shop", {kA}}});
  f.memory.bind(kKey, {kA, {}}, f.loop.now());
  map.on_subscribed();
  f.loop.run();
  REQUIRE(f.redis.asked() == 1);
  CHECK(map.is_catching_up());
  f.redis.respond(Fixture::binding(kA));
  f.loop.advance(10ms);
  CHECK_FALSE(map.is_catching_up());
}

TEST_CASE("what operators ask") {
  RegistryFixture f;
  int done = 0;
  SUBCASE("look up, and look up again in the response") {
    f.registry.find("shop", kKey, [&](const auto&) {
      ++done;
      f.registry.list("shop", {kA}, 10, [&](const auto&) { ++done; });
    });
    f.redis.respond(list_reply({}));
    f.redis.respond(list_reply({}));
    CHECK(done == 2);
  }
  SUBCASE("a move, confirmed") {
    f.registry.move("shop", kKey, kA, [&](const base::Result<Effect>& effect) {
      REQUIRE(effect);
      CHECK(effect->acked == Acked::ByAll);
      ++done;
    });
    f.redis.respond(Fixture::changed());
    f.ack();
    CHECK(done == 1);
  }
  SUBCASE("a move that nobody confirms") {
    f.registry.move("shop", kKey, kA, [&](const base::Result<Effect>& effect) {
      REQUIRE(effect);
      CHECK(effect->acked == Acked::NotByAll);
      ++done;
    });
    f.redis.respond(Fixture::changed());
    f.loop.advance(100ms);
    CHECK(done == 1);
  }
  SUBCASE("a move that fails") {
    f.registry.move("shop", kKey, kA, [&](const base::Result<Effect>& effect) {
      CHECK_FALSE(effect);
      ++done;
    });
    f.redis.fail(base::ErrorCode::Unavailable);
    CHECK(done == 1);
  }
  f.loop.run();
}
