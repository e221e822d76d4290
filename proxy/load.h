#pragma once

#include <atomic>
#include <cstdint>

#include "base/steady_array.h"
#include "base/time.h"

namespace holdfast::proxy {

/// What one backend is doing, over all workers: Loads, by BackendId, outlive the workers. Any thread,
/// relaxed; a cache line each, so that busy backends do not slow each other's counting.
struct alignas(64) BackendLoad {
  /// A request that met a failure here got a good response elsewhere, which began `at`, after it had `waited`.
  void note_rescue(base::Instant at, base::Duration waited) {
    const auto raise = [](std::atomic<std::int64_t>& highest, std::int64_t to) {
      std::int64_t known = highest.load(std::memory_order_relaxed);
      while (known < to && !highest.compare_exchange_weak(known, to, std::memory_order_relaxed)) {
      }
    };
    rescued.fetch_add(1, std::memory_order_relaxed);
    raise(rescue_last_ns, at.time_since_epoch().count());
    raise(rescue_longest_ns, waited.count());
  }

  std::atomic<std::uint32_t> in_flight{0};          ///< Requests given to it and not finished.
  std::atomic<std::uint32_t> long_lived{0};         ///< Those of them that end by themselves never, or late.
  std::atomic<std::uint32_t> failures_in_a_row{0};  ///< Attempts that failed since the last that did not.
  std::atomic<bool> has_sessions_max{false};        ///< As of a moment ago: no place for a new one.
  std::atomic<std::int64_t> failure_told_ns{0};     ///< When the monitor last heard of one: Instant's count.

  std::atomic<std::int64_t> failing_since_ns{0};  ///< The first failure of the last row: Instant's count.

  // Requests that met a failure here and were answered well elsewhere: what a failover cost those it hit.
  std::atomic<std::uint32_t> rescued{0};
  std::atomic<std::int64_t> rescue_last_ns{0};     ///< When the last of these responses began: Instant's count.
  std::atomic<std::int64_t> rescue_longest_ns{0};  ///< The longest wait, from the request to its response's beginning.
};

using Loads = base::SteadyArray<BackendLoad>;

}  // namespace holdfast::proxy
