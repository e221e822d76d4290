// Sessions that go from one memory store to another.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "sessions/memory_store.h"
#include "tests/support/facts.h"

using namespace holdfast;
using namespace holdfast::sessions;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr BackendTag kA{11}, kB{22};
constexpr base::Instant kStart{std::chrono::hours{1000}};

Key key_of(std::uint64_t number) { return {number, ~number}; }

std::vector<SessionRecord> all_of(const MemoryStore& store, base::Instant now) {
  std::vector<SessionRecord> all;
  for (std::optional<MemoryStore::Walk> at = MemoryStore::Walk{}; at;) {
    at = store.export_sessions(*at, now, [&](const SessionRecord& session) { all.push_back(session); });
  }
  std::sort(all.begin(), all.end(),
            [](const SessionRecord& one, const SessionRecord& other) { return one.last_used < other.last_used; });
  return all;
}

void hand_over(const MemoryStore& from, MemoryStore& to, base::Instant now) {
  for (const SessionRecord& session : all_of(from, now)) to.import_session(session, now);
}

}  // namespace

TEST_CASE("a session arrives with its backend, generation, age, idle time and cookie; a mark stays a mark") {
  MemoryStore old({.seed = 1, .start = kStart});
  old.bind(key_of(1), {kA, {}}, kStart + seconds{1});
  old.move(key_of(1), {kA, Generation{1}}, kB, kStart + minutes{2});
  old.cookie_issued(key_of(1), kStart + minutes{3});
  old.bind(key_of(2), {kA, Generation{7}}, kStart + minutes{1});
  old.bind(key_of(3), {kA, {}}, kStart);
  old.mark_ended(key_of(3), {}, kStart + minutes{4});
  const base::Instant now = kStart + minutes{5};

  MemoryStore fresh({.seed = 2, .start = old.start()});
  hand_over(old, fresh, now);
  CHECK(all_of(fresh, now) == all_of(old, now));
  CHECK(fresh.size() == 2);
  CHECK(fresh.size_of(kA) == 1);
  CHECK(fresh.size_of(kB) == 1);
  const auto found = fresh.look(key_of(1), now);
  REQUIRE(found);
  CHECK(found->binding == Binding{kB, Generation{2}});
  CHECK(found->created == kStart + seconds{1});
  CHECK(fresh.find(key_of(1), now)->cookie_issued == kStart + minutes{3});
  CHECK(fresh.find(key_of(3), now)->binding.backend == BackendTag::Ended);
}

TEST_CASE("idle time goes on where it was; the expired are left behind") {
  MemoryStore old({.seed = 1, .start = kStart});
  old.bind(key_of(1), {kA, {}}, kStart);
  old.bind(key_of(2), {kA, {}}, kStart + minutes{29});
  MemoryStore fresh({.seed = 2, .start = old.start()});
  const base::Instant now = kStart + minutes{31};
  hand_over(old, fresh, now);
  CHECK_FALSE(fresh.find(key_of(1), now));
  CHECK(fresh.look(key_of(2), now));
  CHECK(fresh.look(key_of(2), kStart + minutes{58}));
  CHECK_FALSE(fresh.look(key_of(2), kStart + minutes{60}));
}

TEST_CASE("a smaller store keeps those used last") {
  MemoryStore old({.seed = 1, .start = kStart});
  for (std::uint64_t i = 0; i < 300; ++i) old.bind(key_of(i), {kA, {}}, kStart + seconds{i});
  MemoryStore fresh({.sessions_max = 100, .seed = 2, .start = old.start()});
  const base::Instant now = kStart + seconds{300};
  hand_over(old, fresh, now);
  CHECK(fresh.size() == 100);
  for (std::uint64_t i = 0; i < 300; ++i) CHECK(fresh.look(key_of(i), now).has_value() == (i >= 200));
}

TEST_CASE("a million sessions, as the old process lists them and the new one takes them in") {
  constexpr std::uint64_t kMany = support::is_sanitized() ? 20'000 : 1'000'000;
  MemoryStore old({.seed = 1, .start = kStart});
  for (std::uint64_t i = 0; i < kMany; ++i) old.bind(key_of(i), {kA, {}}, kStart + milliseconds{i});
  MemoryStore fresh({.seed = 2, .start = old.start()});
  const auto begun = std::chrono::steady_clock::now();
  const auto all = all_of(old, kStart + minutes{20});
  const auto listed = std::chrono::steady_clock::now();
  for (const SessionRecord& session : all) fresh.import_session(session, kStart + minutes{20});
  const auto taken = std::chrono::steady_clock::now();
  CHECK(fresh.size() == kMany);
  support::note("upgrade: " + std::to_string(kMany) + " sessions listed and sorted in " +
                std::to_string(base::count_ms(listed - begun)) + " ms, taken in in " +
                std::to_string(base::count_ms(taken - listed)) + " ms");
}
