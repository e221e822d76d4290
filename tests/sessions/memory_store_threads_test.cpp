#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <map>
#include <thread>
#include <vector>

#include "sessions/memory_store.h"

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

constexpr int kThreads = 4;
constexpr base::Instant kNow{std::chrono::hours{1}};

Key key_of(std::uint64_t number) { return {number, ~number}; }

/// Runs `work(thread number)` on all threads, released together.
template <class Work>
void together(Work work) {
  std::barrier barrier(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      barrier.arrive_and_wait();
      work(static_cast<std::uint64_t>(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("of all first bindings of a session exactly one wins, and all threads see it") {
  constexpr std::uint64_t kSessions = 20'000;
  MemoryStore store({.sessions_max = 100'000, .seed = 3});
  std::vector<std::vector<BindResult>> responses(kThreads, std::vector<BindResult>(kSessions));
  together([&](std::uint64_t thread) {
    for (std::uint64_t i = 0; i < kSessions; ++i)
      responses[thread][i] = store.bind(key_of(i), {BackendTag{thread + 1}}, kNow);
  });
  std::uint64_t counts[kThreads] = {};
  for (std::uint64_t i = 0; i < kSessions; ++i) {
    const Binding held = store.find(key_of(i), kNow)->binding;
    CHECK(held.generation == Generation{1});
    for (const auto& of_thread : responses) REQUIRE(of_thread[i] == held);
    ++counts[static_cast<std::uint64_t>(held.backend) - 1];
  }
  CHECK(store.size() == kSessions);
  for (std::uint64_t t = 0; t < kThreads; ++t) CHECK(store.size_of(BackendTag{t + 1}) == counts[t]);
}

TEST_CASE("of all moves of one generation exactly one wins, the others adopt it") {
  constexpr std::uint64_t kSessions = 50;
  constexpr int kMoves = 2'000;
  MemoryStore store({.sessions_max = 1'000, .seed = 3});
  for (std::uint64_t i = 0; i < kSessions; ++i) store.bind(key_of(i), {BackendTag{99}}, kNow);
  std::atomic<std::uint64_t> won{0};
  std::atomic<std::uint64_t> went_back{0};
  together([&](std::uint64_t thread) {
    std::vector<Binding> seen(kSessions, Binding{BackendTag{99}, Generation{1}});
    for (int n = 0; n < kMoves; ++n) {
      for (std::uint64_t i = 0; i < kSessions; ++i) {
        const BackendTag mine{1 + thread};
        const BindResult now = store.move(key_of(i), seen[i], mine, kNow);
        const auto before = static_cast<std::uint32_t>(seen[i].generation);
        const auto after = static_cast<std::uint32_t>(now.generation);
        if (after <= before) went_back.fetch_add(1);
        if (after == before + 1 && now.backend == mine) won.fetch_add(1);
        seen[i] = now.binding();
      }
    }
  });
  CHECK(went_back.load() == 0);
  std::uint64_t generations = 0;
  for (std::uint64_t i = 0; i < kSessions; ++i)
    generations += static_cast<std::uint32_t>(store.find(key_of(i), kNow)->binding.generation) - 1;
  CHECK(generations == won.load());  // each generation had one winner who knows it
}

TEST_CASE("everything at once keeps the counts exact and the cap held") {
  constexpr std::uint64_t kCap = 2'000;
  MemoryStore store({.sessions_max = kCap, .idle_timeout = std::chrono::seconds{5}, .seed = 3});
  together([&](std::uint64_t thread) {
    base::Random random(thread);
    base::Instant now = kNow;
    for (int n = 0; n < 30'000; ++n) {
      const Key key = key_of(random.below(4'000));
      const BackendTag backend{1 + random.below(6)};
      now += std::chrono::milliseconds{random.below(3)};
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          store.bind(key, {backend}, now);
          break;
        case 3:
          store.move(key, store.bind(key, {backend}, now), BackendTag{1 + random.below(6)}, now);
          break;
        case 4:
          store.end(key);
          break;
        case 5:
          store.cookie_issued(key, now);
          break;
        default:
          (void)store.find(key, now);
      }
      if (n % 500 == 0) store.expire(now, 100);
      if (n % 5'000 == 0) store.for_each(now, [](const Session&) { return true; });
      if (store.size() > kCap + kThreads) std::abort();
    }
  });
  std::map<BackendTag, std::uint64_t> counts;
  std::uint64_t all = 0;
  store.for_each(kNow, [&](const Session& session) {
    ++counts[session.binding.backend];
    return ++all > 0;
  });
  CHECK(store.size() == all);
  CHECK(all <= kCap);
  for (std::uint64_t tag = 1; tag <= 6; ++tag) CHECK(store.size_of(BackendTag{tag}) == counts[BackendTag{tag}]);
}
