#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <vector>

#include "sessions/cookie.h"
#include "sessions/memory_store.h"

// Every allocation of this program is counted, with what the allocator really gives.
namespace {
std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> bytes_held{0};

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
  bytes_held.fetch_add(malloc_usable_size(memory) + sizeof(std::size_t), std::memory_order_relaxed);
  return memory;
}

void discount(void* memory) noexcept {
  if (memory == nullptr) return;
  bytes_held.fetch_sub(malloc_usable_size(memory) + sizeof(std::size_t), std::memory_order_relaxed);
  std::free(memory);
}
}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new[](std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const memory = std::malloc(size);
  return memory != nullptr ? counted(memory) : nullptr;
}
void* operator new(std::size_t size, std::align_val_t align) {
  const auto to = static_cast<std::size_t>(align);
  return counted(std::aligned_alloc(to, (size + to - 1) / to * to));
}
void* operator new[](std::size_t size, std::align_val_t align) { return operator new(size, align); }
void operator delete(void* memory) noexcept { discount(memory); }
void operator delete[](void* memory) noexcept { discount(memory); }
void operator delete[](void* memory, std::size_t) noexcept { discount(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { discount(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { discount(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { discount(memory); }
void operator delete(void* memory, std::size_t) noexcept { discount(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { discount(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { discount(memory); }

using namespace holdfast;
using namespace holdfast::sessions;

namespace {
constexpr base::Instant kNow{std::chrono::hours{1}};
Key key_of(std::uint64_t number) { return {base::Random::mix(number), base::Random::mix(~number)}; }
}  // namespace

TEST_CASE("a million sessions cost less than 80 bytes each, and the store knows it") {
  constexpr std::uint64_t kSessions = 1'000'000;
  const std::size_t before = bytes_held.load();
  std::vector<std::uint32_t> took_ns(kSessions);
  const std::size_t own = bytes_held.load() - before;
  MemoryStore store({.sessions_max = kSessions, .seed = 9, .start = kNow});
  for (std::uint64_t i = 0; i < kSessions; ++i) {
    const auto from = std::chrono::steady_clock::now();
    store.bind(key_of(i), {BackendTag{1 + i % 50}}, kNow);
    took_ns[i] = static_cast<std::uint32_t>((std::chrono::steady_clock::now() - from).count());
  }
  REQUIRE(store.size() == kSessions);
  const std::size_t held = bytes_held.load() - before - own + sizeof(store);
  CHECK(held < 80 * kSessions);
  CHECK(store.memory_bytes() > held * 95 / 100);
  CHECK(store.memory_bytes() < held * 105 / 100);
  CHECK(store.evicted_total() == 0);

  std::vector<std::uint32_t> sorted = took_ns;
  std::sort(sorted.begin(), sorted.end());
  MESSAGE("bytes a session: " << static_cast<double>(held) / kSessions << "; bind() ns: median "
                              << sorted[kSessions / 2] << ", 99.99% " << sorted[kSessions / 10'000 * 9'999]
                              << ", worst " << sorted.back());

  const std::size_t allocated = allocations.load();
  const auto from = std::chrono::steady_clock::now();
  std::uint64_t hits = 0;
  for (std::uint64_t i = 0; i < kSessions; ++i) hits += store.find(key_of(i * 7 % kSessions), kNow) ? 1u : 0u;
  const auto took = std::chrono::steady_clock::now() - from;
  CHECK(hits == kSessions);
  CHECK(allocations.load() == allocated);
  MESSAGE("find() ns: " << static_cast<double>(took.count()) / kSessions);
}

TEST_CASE("a hit allocates nothing, nor does anything else that adds no session") {
  const Keyring keyring("a secret of thirty-two bytes ...");
  MemoryStore store({.sessions_max = 10'000, .idle_timeout = std::chrono::hours{2}, .seed = 9, .start = kNow});
  for (std::uint64_t i = 0; i < 10'000; ++i) store.bind(key_of(i), {BackendTag{1 + i % 2}}, kNow);
  const std::string cookie = seal({}, keyring);
  const std::string huge(100'000, 'x');
  base::Instant now = kNow;
  const std::size_t allocated = allocations.load();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    now += std::chrono::milliseconds{300};  // far enough apart to change the order of use
    const auto found = store.find(key_of(i), now);
    const BindResult bound = store.bind(key_of(i), {BackendTag{1}}, now);
    store.move(key_of(i), bound, BackendTag{2}, now);
    store.cookie_issued(key_of(i), now);
    if (!found) std::abort();
  }
  for (std::uint64_t i = 10'000; i < 20'000; ++i)
    store.bind(key_of(i), {BackendTag{1}}, now);  // at the cap: in their place
  for (std::uint64_t i = 10'000; i < 20'000; ++i) store.end(key_of(i));
  const bool peeked = peek(cookie).has_value();
  const bool opened = open(cookie, keyring).has_value();
  const Key key = keyring.session_key("shop", huge);
  const std::size_t allocated_after = allocations.load();
  CHECK(allocated_after == allocated);
  CHECK(peeked);
  CHECK(opened);
  CHECK(key != Key{});
}
