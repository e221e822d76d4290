#include "cluster/leader_lease.h"

#include <algorithm>

namespace holdfast::cluster {

void LeaderLease::on_granted(base::Instant asked, std::uint64_t fence) {
  if (fence < fence_) return;  // a response from before a newer one
  fence_ = fence;
  until_ = asked + length_;
}

void LeaderLease::on_refused(std::uint64_t fence) {
  if (fence < fence_) return;
  fence_ = fence;
  until_.reset();
}

TickWatch::Tick TickWatch::on_tick(base::Instant now, base::WallTime wall) {
  const bool is_first = !last_;
  const base::Duration passed = is_first ? base::Duration::zero() : now - *last_;
  const base::Duration wall_passed = is_first ? base::Duration::zero() : base::Duration{wall - last_wall_};
  last_ = now;
  last_wall_ = wall;
  return std::max(passed, wall_passed) > period_ + late_max_ ? Tick::Late : Tick::OnTime;
}

}  // namespace holdfast::cluster
