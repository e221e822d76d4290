// The map in memory as one proxy's copies of what several agree on: what is adopted, what is sure, what is doubted.
#include <doctest/doctest.h>

#include <set>

#include "sessions/order.h"
#include "tests/sessions/memory_fixture.h"

using namespace holdfast;
using namespace holdfast::sessions;
using std::chrono::minutes;
using std::chrono::seconds;
using Fixture = MemoryFixture;

TEST_CASE("copies: the later generation wins, and of the same one what was agreed") {
  struct Row {
    const char* why;
    Binding here;
    Binding agreed;
    Binding want;
  };
  const Row rows[] = {{"nothing here", binding(BackendTag::None, 0), binding(kB, 3), binding(kB, 3)},
                      {"an earlier one here", binding(kA, 2), binding(kB, 3), binding(kB, 3)},
                      {"the same one", binding(kA, 3), binding(kB, 3), binding(kB, 3)},
                      {"a later one here", binding(kA, 4), binding(kB, 3), binding(kA, 4)},
                      {"ended", binding(kA, 2), binding(BackendTag::Ended, 3), binding(BackendTag::Ended, 3)}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f;
    if (row.here.backend != BackendTag::None) f.store.bind(key_of(1), row.here, f.now);
    CHECK(f.store.adopt(key_of(1), row.agreed, f.store.stamp_of(key_of(1)), f.now) == row.want);
    CHECK(f.store.find(key_of(1), f.now)->binding == row.want);
    CHECK(f.store.size_of(row.want.backend) == 1);
    CHECK(f.store.size() == (row.want.backend == BackendTag::Ended ? 0 : 1));
  }
}

TEST_CASE("copies are sure until news may have been missed") {
  Fixture f;
  const Key key = key_of(1);
  f.store.adopt(key, binding(kA, 1), f.store.stamp_of(key), f.now);
  CHECK(f.store.find(key, f.now)->is_sure);
  f.store.invalidate_all();
  CHECK_FALSE(f.store.find(key, f.now)->is_sure);
  f.store.adopt(key, binding(kA, 1), f.store.stamp_of(key), f.now);
  CHECK(f.store.find(key, f.now)->is_sure);

  SUBCASE("a response asked for before the gap is not sure after it") {
    const auto stamp = f.store.stamp_of(key);
    f.store.invalidate_all();
    f.store.adopt(key, binding(kA, 1), stamp, f.now);
    CHECK_FALSE(f.store.find(key, f.now)->is_sure);
  }
  SUBCASE("nor is a response that news has overtaken") {
    const auto stamp = f.store.stamp_of(key);
    f.store.apply_update(key, binding(kB, 2), f.now);
    CHECK(f.store.adopt(key, binding(kA, 1), stamp, f.now) == binding(kB, 2));
    f.store.end(key);
    f.store.adopt(key, binding(kA, 1), stamp, f.now);
    CHECK_FALSE(f.store.find(key, f.now)->is_sure);
  }
  SUBCASE("one may be doubted by itself") {
    f.store.invalidate(key);
    CHECK_FALSE(f.store.find(key, f.now)->is_sure);
  }
  SUBCASE("news of what is not here, or of an older time, changes nothing") {
    f.store.apply_update(key_of(2), binding(kB, 9), f.now);
    f.store.apply_update(key, binding(kB, 2), f.now);
    f.store.apply_update(key, binding(kA, 1), f.now);
    CHECK_FALSE(f.store.find(key_of(2), f.now).has_value());
    CHECK(f.store.find(key, f.now)->binding == binding(kB, 2));
  }
  SUBCASE("but the end of what is not here leaves its mark") {
    f.store.apply_update(key_of(2), binding(BackendTag::Ended, 9), f.now);
    CHECK(f.store.bind(key_of(2), binding(kB, 8), f.now) == binding(BackendTag::Ended, 9));
    CHECK(f.store.size() == 1);
  }
}

TEST_CASE("the doubtful are walked through, each once, in steps") {
  Fixture f(10'000);
  for (std::uint64_t i = 0; i < 3000; ++i) f.store.bind(key_of(i), binding(kA), f.now);
  f.store.invalidate_all();
  for (std::uint64_t i = 0; i < 1000; ++i) {
    f.store.adopt(key_of(i), binding(kA, 1), f.store.stamp_of(key_of(i)), f.now);
  }
  std::set<std::uint64_t> seen;
  int steps = 0;
  for (std::optional<MemoryStore::Walk> walk = MemoryStore::Walk{}; walk; ++steps) {
    walk =
        f.store.invalidated(*walk, f.now, [&](const Session& session) { CHECK(seen.insert(session.key.high).second); });
  }
  CHECK(seen.size() == 2000);
  CHECK(steps > 2);
}

TEST_CASE("a mark outlives every cookie, whoever asks for it, and does not count as a session") {
  Fixture f;
  const auto known = static_cast<std::uint32_t>(kFirstKnown);
  f.store.bind(key_of(1), binding(kA, 4), f.now);
  f.store.mark_ended(key_of(1), {}, f.now);
  CHECK(f.store.size() == 0);
  CHECK(f.store.size_of(kA) == 0);
  f.now += minutes{44};
  CHECK(f.store.find(key_of(1), f.now)->binding == binding(BackendTag::Ended, known));
  CHECK(f.store.bind(key_of(1), binding(kA, 4), f.now) == binding(BackendTag::Ended, known));
  f.now += minutes{2};
  CHECK_FALSE(f.store.find(key_of(1), f.now).has_value());
}

TEST_CASE("a use is news about 64 times per idle timeout") {
  Fixture f(1000, minutes{30});
  f.store.bind(key_of(1), binding(kA), f.now);
  int news = 0;
  for (int second = 0; second < 1800; ++second) {
    f.now += seconds{1};
    news += f.store.find(key_of(1), f.now)->use_is_news ? 1 : 0;
  }
  CHECK(news >= 55);
  CHECK(news <= 66);
}
