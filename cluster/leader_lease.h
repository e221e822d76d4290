#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace holdfast::cluster {

/// Are we the leader? Redis grants the lease by its clock; here it is counted from before we asked, by ours, so that it
/// ends here first. Each change of the leader has a higher fencing number than all before. Pure.
class LeaderLease {
 public:
  explicit LeaderLease(base::Duration length) : length_(length) {}

  void on_granted(base::Instant asked, std::uint64_t fence);
  void on_refused(std::uint64_t fence);
  /// After a pause, a clock that jumped, or a goodbye: not ours until it is granted again.
  void lose() { until_.reset(); }

  bool is_held(base::Instant now) const { return until_ && now < *until_; }
  /// Of the current leader, as far as known; never falls.
  std::uint64_t fence() const { return fence_; }

 private:
  base::Duration length_;
  std::optional<base::Instant> until_;
  std::uint64_t fence_ = 0;
};

/// Watches the ticks of a timer for pauses of this process: stopped, suspended with its machine, starved.
///
/// Monotonic time stands still while a machine is suspended, time of day does not: a step of the latter alone counts as
/// a pause, too. (If it was only a clock being set, a needless caution is the whole price.) Pure.
class TickWatch {
 public:
  TickWatch(base::Duration period, base::Duration late_max) : period_(period), late_max_(late_max) {}

  enum class Tick : std::uint8_t { OnTime, Late };
  Tick on_tick(base::Instant now, base::WallTime wall);

 private:
  base::Duration period_;
  base::Duration late_max_;
  std::optional<base::Instant> last_;
  base::WallTime last_wall_{};
};

}  // namespace holdfast::cluster
