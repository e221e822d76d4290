#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace holdfast::sessions {

/// How the sessions of one backend are spread over use and idleness: what a drain is estimated by. A value.
struct SessionUsage {
  std::uint64_t active = 0;  ///< Used within active_within().
  std::uint64_t idle = 0;
  std::optional<base::Duration> idle_for;  ///< Of the idle ones, the one that is so for the shortest time.

  /// Of `sessions` that there are now, a while after the count: who has come since is active.
  std::uint64_t active_of(std::uint64_t sessions) const {
    return std::max(std::min(active, sessions), sessions - std::min(idle, sessions));
  }
  bool operator==(const SessionUsage&) const = default;
};

/// Who has used a session within this time counts as active. Wider than the steps in which uses are told to Redis.
constexpr base::Duration active_within(base::Duration idle_timeout) {
  return std::min<base::Duration>(std::max<base::Duration>(idle_timeout / 16, std::chrono::minutes{1}),
                                  idle_timeout / 2);
}

}  // namespace holdfast::sessions
