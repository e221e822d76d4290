#pragma once

#include <chrono>
#include <cstdint>

#include "sessions/memory_store.h"

/// A session map in memory, and short names for what is put into it.
namespace holdfast::sessions {

constexpr BackendTag kA{11}, kB{22}, kC{33};
constexpr base::Instant kStart{std::chrono::hours{1000}};

inline Key key_of(std::uint64_t number) { return {number, ~number}; }
inline Binding binding(BackendTag backend, std::uint32_t generation = 0) { return {backend, Generation{generation}}; }

struct MemoryFixture {
  explicit MemoryFixture(std::uint64_t sessions_max = 1000, base::Duration idle = std::chrono::minutes{30})
      : store({.sessions_max = sessions_max, .idle_timeout = idle, .seed = 7, .start = kStart}) {}
  MemoryStore store;
  base::Instant now = kStart;
};

}  // namespace holdfast::sessions
