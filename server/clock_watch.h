#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/time.h"

namespace holdfast::server {

/// Notices that somebody has set the time of day, or that the machine was suspended. Pure.
class ClockWatch {
 public:
  /// Less is noise, and what time servers do by and by.
  static constexpr base::Duration kNoticed = std::chrono::seconds{5};

  /// How far it has jumped since the last call; nullopt: it has not.
  std::optional<base::Duration> on_tick(base::Instant now, base::WallTime wall) {
    const auto before = std::exchange(last_, Tick{now, wall});
    if (!before) return std::nullopt;
    const base::Duration by = (wall - before->wall) - (now - before->now);
    return by >= kNoticed || by <= -kNoticed ? std::optional(by) : std::nullopt;
  }

 private:
  struct Tick {
    base::Instant now{};
    base::WallTime wall{};
  };
  std::optional<Tick> last_;
};

}  // namespace holdfast::server
