#include "sessions/memory_store.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "sessions/order.h"
#include "tests/sessions/memory_fixture.h"

using namespace holdfast;
using namespace holdfast::sessions;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Fixture = MemoryFixture;

TEST_CASE("the first guess holds, other guesses adopt it, and an offer counts by its order") {
  Fixture f;
  CHECK_FALSE(f.store.find(key_of(1), f.now).has_value());
  CHECK(f.store.bind(key_of(1), binding(kA), f.now) == binding(kA, 1));
  CHECK(f.store.bind(key_of(1), binding(kB), f.now) == binding(kA, 1));
  CHECK(f.store.find(key_of(1), f.now)->binding == binding(kA, 1));
  CHECK(f.store.bind(key_of(1), binding(kB, 9), f.now).is_ours);
  CHECK(f.store.bind(key_of(1), binding(kA, 8), f.now) == binding(kB, 9));
  CHECK(f.store.find(key_of(1), f.now)->binding == binding(kB, 9));
  CHECK_FALSE(f.store.find(key_of(2), f.now).has_value());
  CHECK(f.store.size() == 1);
}

TEST_CASE("what the app has set is known: against guesses and after an end, and it stays") {
  Fixture f;
  const auto known = static_cast<std::uint32_t>(kFirstKnown);
  f.store.bind(key_of(1), binding(kA), f.now);
  CHECK(f.store.learn(key_of(1), kB, f.now) == binding(kB, known));
  CHECK(f.store.learn(key_of(1), kA, f.now) == binding(kB, known));
  f.store.mark_ended(key_of(1), {}, f.now);
  CHECK(f.store.bind(key_of(1), binding(kB, known), f.now) == binding(BackendTag::Ended, known + 1));
  CHECK(f.store.learn(key_of(1), kA, f.now) == binding(kA, known + 2));
  CHECK(f.store.size() == 1);
  CHECK(f.store.size_of(kA) == 1);
  f.now += minutes{31};
  CHECK_FALSE_MESSAGE(f.store.find(key_of(1), f.now), "a session again, no mark: it lasts an idle timeout");
  CHECK(f.store.learn(key_of(2), kA, f.now) == binding(kA, known));
}

TEST_CASE("a binding that a cookie remembers keeps its generation") {
  Fixture f;
  CHECK(f.store.bind(key_of(1), binding(kB, 5), f.now) == binding(kB, 5));
  CHECK(f.store.move(key_of(1), binding(kB, 5), kA, f.now) == binding(kA, 6));
}

TEST_CASE("a move is a compare-and-set: the loser adopts") {
  struct Row {
    const char* why;
    Binding seen;
    BackendTag to;
    Binding want;
  };
  const Row rows[] = {{"seen as it is", binding(kA, 1), kB, binding(kB, 2)},
                      {"another generation", binding(kA, 2), kB, binding(kA, 1)},
                      {"another backend", binding(kC, 1), kB, binding(kA, 1)},
                      {"seen unbound", binding(BackendTag::None, 0), kB, binding(kA, 1)},
                      {"onto itself", binding(kA, 1), kA, binding(kA, 2)}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f;
    f.store.bind(key_of(1), binding(kA), f.now);
    CHECK(f.store.move(key_of(1), row.seen, row.to, f.now) == row.want);
    CHECK(f.store.find(key_of(1), f.now)->binding == row.want);
    CHECK(f.store.size_of(row.want.backend) == 1);
    CHECK(f.store.size() == 1);
  }
}

TEST_CASE("a forgotten session that moves is bound afresh, one generation on") {
  Fixture f;
  CHECK(f.store.move(key_of(1), binding(kA, 7), kB, f.now) == binding(kB, 8));
  CHECK(f.store.move(key_of(2), binding(BackendTag::None, 0), kB, f.now) == binding(kB, 1));
  const std::uint32_t last = 0xFFFF'FFFF;
  CHECK(f.store.move(key_of(3), binding(kA, last), kB, f.now) == binding(kB, last));  // never wraps to "unbound"
}

TEST_CASE("an ended session is forgotten, and may begin again") {
  Fixture f;
  f.store.bind(key_of(1), binding(kA), f.now);
  f.store.bind(key_of(2), binding(kA), f.now);
  f.store.end(key_of(1));
  f.store.end(key_of(1));
  f.store.end(key_of(3));
  CHECK_FALSE(f.store.find(key_of(1), f.now).has_value());
  CHECK(f.store.size() == 1);
  CHECK(f.store.size_of(kA) == 1);
  CHECK(f.store.bind(key_of(1), binding(kB), f.now) == binding(kB, 1));
}

TEST_CASE("our cookie's time of issue is kept") {
  Fixture f;
  f.store.bind(key_of(1), binding(kA), f.now);
  CHECK(f.store.find(key_of(1), f.now)->cookie_issued == base::Instant{});
  f.store.cookie_issued(key_of(1), f.now);  // at the very start is not "never"
  CHECK(f.store.find(key_of(1), f.now)->cookie_issued == kStart);
  f.store.cookie_issued(key_of(1), f.now + milliseconds{2'350});
  CHECK(f.store.find(key_of(1), f.now)->cookie_issued == kStart + milliseconds{2'300});
  f.store.cookie_issued(key_of(2), f.now);
  CHECK_FALSE(f.store.find(key_of(2), f.now).has_value());
}

TEST_CASE("idle sessions expire: never early, and soon after") {
  for (const base::Duration idle :
       {base::Duration{milliseconds{1}}, base::Duration{milliseconds{250}}, base::Duration{seconds{10}},
        base::Duration{minutes{30}}, base::Duration{hours{24 * 30}}}) {
    const base::Duration late = std::min<base::Duration>(idle / 64, seconds{1}) + milliseconds{200};
    for (const base::Duration phase : {milliseconds{0}, milliseconds{1}, milliseconds{99}, milliseconds{1'000}}) {
      INFO(base::count_ms(idle) << " ms, used " << base::count_ms(phase) << " ms after it began");
      Fixture f(1000, idle);
      const base::Instant used = f.now + phase;
      f.store.bind(key_of(1), binding(kA), f.now);
      if (phase <= idle)
        CHECK(f.store.find(key_of(1), used).has_value());
      else
        f.store.bind(key_of(1), binding(kA), used);
      CHECK(f.store.find(key_of(1), used + idle).has_value());
      Fixture g(1000, idle);
      g.store.bind(key_of(1), binding(kA), used);
      CHECK_FALSE(g.store.find(key_of(1), used + idle + late).has_value());
      CHECK(g.store.size() == 0);
      CHECK(g.store.size_of(kA) == 0);
      CHECK(g.store.expired_total() == 1);
    }
  }
}

TEST_CASE("use keeps a session alive, however it is used") {
  struct Row {
    const char* why;
    void (*use)(MemoryStore&, base::Instant);
    bool lives;
  };
  const Row rows[] = {
      {"find", [](MemoryStore& s, base::Instant now) { (void)s.find(key_of(1), now); }, true},
      {"bind", [](MemoryStore& s, base::Instant now) { s.bind(key_of(1), binding(kB), now); }, true},
      {"a lost move", [](MemoryStore& s, base::Instant now) { s.move(key_of(1), binding(kC, 3), kB, now); }, true},
      {"a walk", [](MemoryStore& s, base::Instant now) { s.for_each(now, [](const Session&) { return true; }); },
       false},
      {"nothing", [](MemoryStore&, base::Instant) {}, false}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f(1000, seconds{100});
    f.store.bind(key_of(1), binding(kA), f.now);
    for (int i = 0; i < 10; ++i) row.use(f.store, f.now += seconds{50});
    const auto found = f.store.find(key_of(1), f.now + seconds{50});
    CHECK(found.has_value() == row.lives);
    if (found) CHECK(found->binding == binding(kA, 1));
  }
}

TEST_CASE("many quick uses in a row count as much as one") {
  Fixture f(1000, seconds{64});
  f.store.bind(key_of(1), binding(kA), f.now);
  for (int i = 0; i < 10'000; ++i) REQUIRE(f.store.find(key_of(1), f.now += milliseconds{50}).has_value());
  CHECK(f.store.find(key_of(1), f.now + seconds{64}).has_value());
}

TEST_CASE("an expired session that comes back is a new one") {
  Fixture f(1000, seconds{10});
  f.store.bind(key_of(1), binding(kA, 4), f.now);
  f.store.cookie_issued(key_of(1), f.now);
  f.now += seconds{11};
  CHECK(f.store.bind(key_of(1), binding(kB), f.now) == binding(kB, 1));
  CHECK(f.store.find(key_of(1), f.now)->cookie_issued == base::Instant{});
  CHECK(f.store.size() == 1);
  CHECK(f.store.size_of(kA) == 0);
  f.now += seconds{11};
  CHECK(f.store.move(key_of(1), binding(kB, 1), kC, f.now) == binding(kC, 2));
  CHECK(f.store.expired_total() == 2);
}

TEST_CASE("at the cap the longest idle goes first") {
  Fixture f(3);
  for (std::uint64_t i = 1; i <= 3; ++i) f.store.bind(key_of(i), binding(kA), f.now += seconds{2});
  REQUIRE(f.store.find(key_of(1), f.now += seconds{2}).has_value());  // now 2 is the longest idle
  f.store.bind(key_of(4), binding(kB), f.now += seconds{2});
  CHECK(f.store.size() == 3);
  CHECK(f.store.evicted_total() == 1);
  CHECK(f.store.size_of(kA) == 2);
  CHECK_FALSE(f.store.find(key_of(2), f.now).has_value());
  for (const std::uint64_t i : {1u, 3u, 4u}) CHECK(f.store.find(key_of(i), f.now).has_value());
}

TEST_CASE("the cap holds for every size, also of a single session") {
  for (const std::uint64_t cap : {1u, 2u, 127u, 128u, 1000u, 8192u, 20'000u}) {
    INFO(cap);
    Fixture f(cap, hours{1000});
    for (std::uint64_t i = 0; i < 3 * cap; ++i) {
      f.store.bind(key_of(i), binding(kA), f.now += milliseconds{200});
      REQUIRE(f.store.size() <= cap);
      REQUIRE(f.store.find(key_of(i), f.now).has_value());
    }
    CHECK(f.store.size() == cap);
    CHECK(f.store.evicted_total() == 2 * cap);
    std::uint64_t shown = 0;
    f.store.for_each(f.now, [&](const Session&) { return ++shown > 0; });
    CHECK(shown == cap);
  }
}

TEST_CASE("the cap holds when the new session's shard is empty: another shard gives way") {
  constexpr std::uint64_t kCap = 128;  // two shards, told apart by this bit of the hash
  const auto shard_of = [](std::uint64_t number) { return (hash_of(key_of(number), 7) >> 48) & 1; };
  struct Row {
    const char* why;
    void (*add)(MemoryStore&, std::uint64_t, base::Instant);
  };
  const Row rows[] = {
      {"bind", [](MemoryStore& s, std::uint64_t i, base::Instant now) { s.bind(key_of(i), binding(kB), now); }},
      {"move", [](MemoryStore& s, std::uint64_t i, base::Instant now) { s.move(key_of(i), {}, kB, now); }}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f(kCap, hours{1000});
    std::uint64_t first = 0;
    std::uint64_t number = 0;
    for (; f.store.size() < kCap; ++number) {
      if (shard_of(number) != 0) continue;
      if (f.store.size() == 0) first = number;
      f.store.bind(key_of(number), binding(kA), f.now += seconds{2});
    }
    while (shard_of(number) != 1) ++number;
    row.add(f.store, number, f.now);
    CHECK(f.store.size() == kCap);
    CHECK(f.store.evicted_total() == 1);
    CHECK(f.store.find(key_of(number), f.now).has_value());
    CHECK_FALSE(f.store.find(key_of(first), f.now).has_value());
  }
}

TEST_CASE("a crowded-out session is among the oldest of all") {
  constexpr std::uint64_t kCap = 100'000;
  Fixture f(kCap, hours{1000});
  std::uint64_t number = 0;
  for (; number < kCap; ++number) f.store.bind(key_of(number), binding(kA), f.now += milliseconds{100});
  for (; number < kCap + kCap / 100; ++number) f.store.bind(key_of(number), binding(kA), f.now += milliseconds{100});
  std::uint64_t youngest_gone = 0;
  for (std::uint64_t i = 0; i < number; ++i) {
    if (!f.store.find(key_of(i), f.now).has_value()) youngest_gone = i;
  }
  CHECK(youngest_gone < kCap * 4 / 100);
}

TEST_CASE("expire() forgets the expired ones, at most so many at once, and goes on where it stopped") {
  Fixture f(100'000, seconds{10});
  for (std::uint64_t i = 0; i < 5'000; ++i) f.store.bind(key_of(i), binding(kA), f.now);
  f.now += seconds{8};
  for (std::uint64_t i = 5'000; i < 6'000; ++i) f.store.bind(key_of(i), binding(kB), f.now);
  CHECK(f.store.expire(f.now, 10'000) == 0);
  f.now += seconds{4};
  CHECK(f.store.expire(f.now, 0) == 0);
  CHECK(f.store.expire(f.now, 700) == 700);
  CHECK(f.store.size() == 5'300);
  CHECK(f.store.expire(f.now, 700) == 700);
  std::size_t rest = 0;
  for (int i = 0; i < 3; ++i) rest += f.store.expire(f.now, 2'000);
  CHECK(rest == 3'600);
  CHECK(f.store.size() == 1'000);
  CHECK(f.store.size_of(kA) == 0);
  CHECK(f.store.size_of(kB) == 1'000);
  CHECK(f.store.expired_total() == 5'000);
}

TEST_CASE("without anybody calling expire(), writes clear away what has expired") {
  Fixture f(100'000, seconds{10});
  std::uint64_t number = 0;
  for (int round = 0; round < 20; ++round, f.now += seconds{12}) {
    for (int i = 0; i < 10'000; ++i) f.store.bind(key_of(number++), binding(kA), f.now);
  }
  CHECK(f.store.size() < 25'000);
  CHECK(f.store.evicted_total() == 0);
  CHECK(f.store.memory_bytes() < 25'000 * 62 + 2'000'000);
}

TEST_CASE("a walk shows each living session once") {
  Fixture f(10'000, minutes{30});
  f.store.bind(key_of(9'999), binding(kC), f.now);
  f.now += minutes{29};
  for (std::uint64_t i = 0; i < 3'000; ++i) f.store.bind(key_of(i), binding(kA), f.now);
  f.now += seconds{30};
  f.store.move(key_of(5), binding(kA, 1), kB, f.now);
  for (std::uint64_t i = 2'900; i < 3'000; ++i) f.store.end(key_of(i));
  f.now += minutes{1};  // 9999 has expired
  std::map<Key, Session> shown;
  f.store.for_each(f.now, [&](const Session& session) {
    CHECK(shown.emplace(session.key, session).second);
    return true;
  });
  REQUIRE(shown.size() == 2'900);
  const Session& moved = shown.at(key_of(5));
  CHECK(moved.binding == binding(kB, 2));
  CHECK(moved.moves == 1);
  CHECK(moved.created == kStart + minutes{29});
  CHECK(moved.last_used == kStart + minutes{29} + seconds{30});
  CHECK(shown.at(key_of(6)).moves == 0);

  int calls = 0;
  f.store.for_each(f.now, [&](const Session&) { return ++calls < 7; });
  CHECK(calls == 7);
}

TEST_CASE("a walk holds no lock while it shows") {
  Fixture f(10'000);
  for (std::uint64_t i = 0; i < 1'000; ++i) f.store.bind(key_of(i), binding(kA), f.now);
  f.store.for_each(f.now, [&](const Session& session) {
    f.store.end(session.key);
    return true;
  });
  CHECK(f.store.size() == 0);
}

TEST_CASE("time: before the start, standing still, going back, and after more than 13 years") {
  Fixture f(1000, hours{1});
  f.store.bind(key_of(1), binding(kA), kStart - hours{5});
  CHECK(f.store.find(key_of(1), kStart).has_value());
  f.store.bind(key_of(2), binding(kA), kStart + minutes{30});
  CHECK(f.store.find(key_of(2), kStart + minutes{10}).has_value());  // another worker's clock of this turn
  CHECK(f.store.find(key_of(2), kStart + minutes{90}).has_value());

  const base::Instant late = kStart + hours{24 * 365 * 13};
  f.store.bind(key_of(3), binding(kA), late);
  CHECK(f.store.find(key_of(3), late + minutes{59}).has_value());
  CHECK_FALSE(f.store.find(key_of(3), late + hours{3}).has_value());
  const base::Instant beyond = kStart + hours{24 * 365 * 20};
  f.store.bind(key_of(4), binding(kA), beyond);
  CHECK(f.store.find(key_of(4), beyond + hours{9}).has_value());  // the clock's end: nothing ages, nothing breaks
}

TEST_CASE("an idle timeout longer than the clock means never") {
  Fixture f(1000, hours{24 * 365 * 100});
  f.store.bind(key_of(1), binding(kA), f.now);
  CHECK(f.store.find(key_of(1), f.now + hours{24 * 365 * 12}).has_value());
}

TEST_CASE("keys that differ in a few bits only are as good as any") {
  Fixture f(200'000);
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    for (const Key& key : {Key{i, 0}, Key{0, i + 1}, Key{i << 40, 5}, Key{7, i << 44}}) keys.push_back(key);
  }
  std::set<Key> distinct(keys.begin(), keys.end());
  for (const Key& key : keys) f.store.bind(key, binding(kA), f.now);
  CHECK(f.store.size() == distinct.size());
  for (const Key& key : keys) REQUIRE(f.store.find(key, f.now).has_value());
}

// A plain map beside it, and everything in random order.
TEST_CASE("whatever is done, in whatever order, a plain map comes to the same") {
  Fixture f(1'000'000, hours{1'000});
  base::Random random(42);
  std::map<Key, Binding> model;
  for (int step = 0; step < 200'000; ++step) {
    const Key key = key_of(random.below(5'000));
    const BackendTag backend{1 + random.below(5)};
    const auto at = model.find(key);
    f.now += milliseconds{random.below(200)};
    switch (random.below(5)) {
      case 0:
        REQUIRE(f.store.bind(key, binding(backend), f.now) ==
                model.try_emplace(key, binding(backend, 1)).first->second);
        break;
      case 1: {
        const Binding seen = at == model.end() ? binding(kA, 3) : at->second;
        const Binding want = binding(backend, static_cast<std::uint32_t>(seen.generation) + 1);
        REQUIRE(f.store.move(key, seen, backend, f.now) == want);
        model[key] = want;
        break;
      }
      case 2:
        f.store.end(key);
        model.erase(key);
        break;
      default: {
        const auto found = f.store.find(key, f.now);
        REQUIRE(found.has_value() == (at != model.end()));
        if (found) REQUIRE(found->binding == at->second);
      }
    }
  }
  std::map<BackendTag, std::uint64_t> counts;
  for (const auto& [key, bound] : model) ++counts[bound.backend];
  CHECK(f.store.size() == model.size());
  for (std::uint64_t tag = 1; tag <= 5; ++tag) CHECK(f.store.size_of(BackendTag{tag}) == counts[BackendTag{tag}]);
}
