// The scripts in a real Redis, by their typed functions: what goes in and what comes out.
#include "sessions/redis_scripts.h"

#include <doctest/doctest.h>

#include <future>

#include "sessions/order.h"
#include "tests/redis/test_link.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

constexpr auto kKnown = static_cast<std::uint32_t>(kFirstKnown);

using Changed = RedisScripts::Changed;

constexpr Key kAnna{1, 1};
constexpr Key kBert{2, 2};
constexpr BackendTag kApp0{0xa0};
constexpr BackendTag kApp1{0xa1};

struct Fixture {
  Fixture() { REQUIRE(link.wait_up()); }

  /// What one script answers.
  template <class T, class Ask>
  base::Result<T> result(Ask ask) {
    std::promise<base::Result<T>> promise;
    auto answered = promise.get_future();
    RedisScripts::Call call;
    link.thread().on_loop([&] {
      RedisScripts scripts(link.raw(), {"hf"}, 1h);
      call = ask(scripts, [&promise](base::Result<T> value) { promise.set_value(std::move(value)); });
    });
    base::Result<T> value = answered.get();
    link.thread().on_loop([&] { call.reset(); });
    return value;
  }
  template <class T, class Ask>
  T value(Ask ask) {
    auto got = result<T>(ask);
    INFO((got ? std::string() : got.error().text));
    REQUIRE(got);
    return *std::move(got);
  }
  /// A script that nobody waits for, and all that was sent before.
  template <class Notify>
  void notify(Notify notify) {
    link.thread().on_loop([&] {
      RedisScripts scripts(link.raw(), {"hf"}, 1h);
      notify(scripts);
    });
    link.ask({"PING"});
  }

  BindResult bind(const Key& key, const Binding& wanted, std::chrono::seconds unused = 0s) {
    return value<BindResult>(
        [&](RedisScripts& s, auto done) { return s.bind("shop", key, wanted, unused, std::move(done)); });
  }
  BindResult move(const Key& key, const Binding& seen, BackendTag to) {
    return value<BindResult>(
        [&](RedisScripts& s, auto done) { return s.move("shop", key, seen, to, std::move(done)); });
  }
  Changed end(const Key& key, Ending ending, const std::string& acks = {}) {
    return value<Changed>([&](RedisScripts& s, auto done) {
      return s.end("shop", key, Generation::None, ending, acks, std::move(done));
    });
  }
  std::optional<Listed> find(const Key& key) {
    return value<std::optional<Listed>>(
        [&](RedisScripts& s, auto done) { return s.find("shop", key, std::move(done)); });
  }
  std::vector<SessionUsage> count() {
    return value<std::vector<SessionUsage>>([&](RedisScripts& s, auto done) {
      return s.count("shop", std::vector{kApp0, kApp1}, std::move(done));
    });
  }
  /// Milliseconds until Redis forgets the session.
  std::int64_t left(const Key& key) { return link.ask({"PTTL", RedisNames{"hf"}.session("shop", key)}).integer(); }

  RedisServer server;
  TestLink link{settings_for(server)};
};

bool holds(const BindResult& result, BackendTag backend, std::uint32_t generation, bool is_ours) {
  return result == Binding{backend, Generation{generation}} && result.is_ours == is_ours;
}

}  // namespace

TEST_CASE("the first to bind a session wins, a later generation wins over an earlier one") {
  Fixture f;
  CHECK(holds(f.bind(kAnna, {kApp0, Generation{1}}), kApp0, 1, true));
  CHECK(holds(f.bind(kAnna, {kApp1, Generation{1}}), kApp0, 1, false));
  CHECK(holds(f.bind(kAnna, {kApp1, Generation{7}}), kApp1, 7, true));
  CHECK(holds(f.bind(kAnna, {kApp0, Generation{6}}), kApp1, 7, false));
}

TEST_CASE("a move is won by whoever saw what holds") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{1}});
  CHECK(holds(f.move(kAnna, {kApp1, Generation{1}}, kApp1), kApp0, 1, false));
  CHECK(holds(f.move(kAnna, {kApp0, Generation{1}}, kApp1), kApp1, 2, true));
  CHECK(holds(f.move(kAnna, {kApp0, Generation{1}}, kApp0), kApp1, 2, false));
  CHECK_MESSAGE(holds(f.move(kBert, {kApp0, Generation{4}}, kApp1), kApp1, 5, true), "one that Redis has forgotten");
}

TEST_CASE("an offer counts by the order that the proxies have, whichever comes first") {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Key key{i * 0x9E37'79B9'7F4A'7C15, i};
    const Binding a{BackendTag{i * 77 + 1}, Generation{3}};
    const Binding b{BackendTag{i * 991 + 5}, Generation{3}};
    const Binding& wins = is_later(key, a, b) ? a : b;
    CHECK(is_later(key, a, b) != is_later(key, b, a));
    Fixture f;
    f.bind(key, i % 2 == 0 ? a : b);
    f.bind(key, i % 2 == 0 ? b : a);
    CHECK(f.find(key)->binding == wins);
  }
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{3}});
  CHECK_MESSAGE(holds(f.bind(kAnna, {kApp1, Generation::None}), kApp0, 3, false), "a guess takes nothing away");
  CHECK(holds(f.bind(kAnna, {BackendTag::Ended, Generation{3}}), BackendTag::Ended, 3, true));
  CHECK(holds(f.bind(kAnna, {kApp1, Generation{3}}), BackendTag::Ended, 3, false));
}

TEST_CASE("what the app has set is known: against guesses and after an end, and it stays") {
  Fixture f;
  const auto learn = [&](const Key& key, BackendTag to) {
    return f.value<RedisScripts::Learned>(
        [&](RedisScripts& s, auto done) { return s.learn("shop", key, to, {}, std::move(done)); });
  };
  f.bind(kAnna, {kApp0, Generation::None});
  CHECK(holds(learn(kAnna, kApp1).holds, kApp1, kKnown, true));
  CHECK(holds(learn(kAnna, kApp0).holds, kApp1, kKnown, false));
  CHECK(holds(f.move(kAnna, {kApp1, kFirstKnown}, kApp0), kApp0, kKnown + 1, true));
  f.end(kAnna, Ending::Mark);
  CHECK(holds(f.bind(kAnna, {kApp0, next(kFirstKnown)}), BackendTag::Ended, kKnown + 2, false));
  CHECK(holds(learn(kAnna, kApp1).holds, kApp1, kKnown + 3, true));
  CHECK(f.left(kAnna) < 3800'000);
  CHECK(holds(learn(kBert, kApp0).holds, kApp0, kKnown, true));
}

TEST_CASE("an end leaves a mark that outlives every cookie, or nothing") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{3}});
  f.bind(kBert, {kApp0, Generation{3}});
  CHECK(f.end(kAnna, Ending::Mark).sessions == 1);
  CHECK(f.end(kBert, Ending::Forget).subscribers.empty());
  CHECK_MESSAGE(holds(f.bind(kAnna, {kApp0, Generation{3}}), BackendTag::Ended, kKnown, false),
                "its cookie comes back");
  CHECK(f.left(kAnna) > 3600'000);
  CHECK_FALSE(f.find(kAnna));
  CHECK(f.left(kBert) < 0);
}

TEST_CASE("a use keeps a session for a whole idle timeout, and never shortens its life") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{1}}, 1800s);
  const std::int64_t at_first = f.left(kAnna);
  CHECK(at_first < 2000'000);
  SUBCASE("told in a batch") {
    f.notify([](RedisScripts& scripts) { scripts.touch("shop", std::vector{kBert, kAnna}); });
  }
  SUBCASE("seen by another proxy's offer") { f.bind(kAnna, {kApp0, Generation{1}}, 0s); }
  const std::int64_t used = f.left(kAnna);
  CHECK(used > 3600'000);
  f.bind(kAnna, {kApp0, Generation{1}}, 1800s);
  CHECK_MESSAGE(f.left(kAnna) > 3500'000, "an offer that knows of an older use only");
  CHECK_MESSAGE(f.left(kBert) < 0, "a use makes no session");
  f.end(kAnna, Ending::Mark);
  const std::int64_t mark = f.left(kAnna);
  f.notify([](RedisScripts& scripts) { scripts.touch("shop", std::vector{kAnna}); });
  CHECK_MESSAGE(f.left(kAnna) <= mark, "a mark is not used");
}

TEST_CASE("places: what the limits leave, sessions and places together") {
  Fixture f;
  using Outcome = Admission::Outcome;
  SessionLimits limits{.sessions_max = 3, .backends = {{kApp0, 1}, {kApp1, 0}}};
  const auto reserve = [&](std::string_view name, BackendTag backend, const Key* key = nullptr) {
    return f.value<Admission>([&](RedisScripts& s, auto done) {
      return s.reserve_slot(
          {.pool = "shop", .name = name, .lasts = 1h, .key = key, .backend = backend, .limits = limits},
          std::move(done));
    });
  };
  CHECK(reserve("1", kApp0).outcome == Outcome::Admitted);
  const Admission full = reserve("2", kApp0);
  CHECK(full.outcome == Outcome::BackendFull);
  CHECK(full.full == std::vector{kApp0});
  f.bind(kAnna, {kApp1, Generation{1}});
  CHECK(reserve("3", kApp1).outcome == Outcome::Admitted);
  CHECK(reserve("4", kApp1).outcome == Outcome::PoolFull);
  CHECK(reserve("5", kApp1, &kAnna).outcome == Outcome::IsIn);
  f.notify([](RedisScripts& scripts) { scripts.give_back("shop", "1", kApp0); });
  CHECK(reserve("6", kApp0).outcome == Outcome::Admitted);
}

TEST_CASE("sessions are counted by backend: active, idle, and for how long the latest of those") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{1}});
  f.bind(kBert, {kApp0, Generation{1}}, 1200s);
  f.bind({3, 3}, {kApp1, Generation{1}});
  const auto usages = f.count();
  REQUIRE(usages.size() == 2);
  CHECK(usages[0].active == 1);
  CHECK(usages[0].idle == 1);
  REQUIRE(usages[0].idle_for);
  CHECK(*usages[0].idle_for >= 1200s);
  CHECK(*usages[0].idle_for < 1300s);
  CHECK(usages[1] == SessionUsage{.active = 1});
}

TEST_CASE("operators find, list and move sessions") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{2}}, 600s);
  f.bind(kBert, {kApp0, Generation{1}});
  const auto anna = f.find(kAnna);
  REQUIRE(anna);
  CHECK(anna->key == kAnna);
  CHECK(anna->binding == Binding{kApp0, Generation{2}});
  CHECK(anna->created - anna->last_used >= 600s);
  const auto list = [&](std::size_t limit) {
    return f.value<std::vector<Listed>>([&](RedisScripts& s, auto done) {
      return s.list("shop", std::vector{kApp1, kApp0}, limit, std::move(done));
    });
  };
  const auto both = list(10);
  REQUIRE(both.size() == 2);
  CHECK_MESSAGE(both[0].key == kBert, "the most recently used first");
  CHECK(list(1).size() == 1);

  const auto put = [&](const Key& key) {
    return f.value<Changed>([&](RedisScripts& s, auto done) { return s.put("shop", key, kApp1, {}, std::move(done)); });
  };
  CHECK(put(kAnna).sessions == 1);
  CHECK(f.find(kAnna)->binding == Binding{kApp1, kFirstKnown});
  CHECK(put({9, 9}).sessions == 0);
}

TEST_CASE("a backend is cleared some at a time: its sessions are spread, or ended") {
  Fixture f;
  for (std::uint64_t i = 0; i < 5; ++i) f.bind({7, i}, {kApp0, Generation{1}}, std::chrono::seconds{100 - i});
  const auto clear = [&](std::vector<BackendTag> to, std::size_t most) {
    return f.value<Changed>(
        [&](RedisScripts& s, auto done) { return s.clear("shop", kApp0, to, most, {}, std::move(done)); });
  };
  const Changed some = clear({kApp1}, 2);
  CHECK(some.sessions == 2);
  CHECK(some.left == 3);
  CHECK(f.find({7, 0})->binding == Binding{kApp1, kFirstKnown});
  const Changed rest = clear({}, 10);
  CHECK(rest.sessions == 3);
  CHECK(rest.left == 0);
  CHECK_FALSE(f.find({7, 4}));
  CHECK(f.count()[1].active == 2);
}

TEST_CASE("whoever hears is named where acks are asked for") {
  Fixture f;
  f.bind(kAnna, {kApp0, Generation{1}});
  f.notify([](RedisScripts& scripts) {
    scripts.renew_copy_lease("lb1", 1h, "beat 1");
    scripts.renew_copy_lease("lb2", 1h, "beat 1");
    scripts.renew_copy_lease("lb3", -1s, "beat 1");
    scripts.send_ack("lb1", "0 1 lb2");
  });
  CHECK(f.end(kAnna, Ending::Mark).subscribers.empty());
  CHECK(f.end(kAnna, Ending::Mark, "lb1 0 1").subscribers == std::vector<std::string>{"lb1", "lb2"});
  f.notify([](RedisScripts& scripts) { scripts.drop_copy_lease("lb1"); });
  CHECK(f.end(kAnna, Ending::Mark, "lb1 0 1").subscribers == std::vector<std::string>{"lb2"});
}

TEST_CASE("a key that is not ours to read is an error, not a session") {
  Fixture f;
  f.link.ask({"LPUSH", RedisNames{"hf"}.session("shop", kAnna), "x"});
  const auto got = f.result<BindResult>([&](RedisScripts& s, auto done) {
    return s.bind("shop", kAnna, {kApp0, Generation{1}}, 0s, std::move(done));
  });
  REQUIRE_FALSE(got);
  f.link.ask({"SET", RedisNames{"hf"}.session("shop", kBert), "something else"});
  CHECK(holds(f.bind(kBert, {kApp0, Generation{1}}), kApp0, 1, true));
}
