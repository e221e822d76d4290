#pragma once

#include <compare>
#include <cstdint>

namespace holdfast::sessions {

/// What the map knows a session by: a keyed hash of (pool, what the client holds). The raw id is never stored, logged
/// or sent to Redis.
struct Key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Key&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
};

/// A keyed hash of "pool/backend": names a backend in the map and in our cookie, the same on every proxy and after
/// every reload, and tells a stranger nothing. None: no backend. Ended: the session was ended and is only remembered so
/// that it does not come back.
enum class BackendTag : std::uint64_t { None = 0, Ended = 0xFFFF'FFFF'FFFF'FFFF };

/// Grows by one with every change of a session; where it begins, sessions/order.h says. 0: no binding.
enum class Generation : std::uint32_t { None = 0 };

}  // namespace holdfast::sessions
