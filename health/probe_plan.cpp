#include "health/probe_plan.h"

#include <algorithm>

namespace holdfast::health {

base::Instant ProbePlan::first(base::Instant now, base::Random& random) {
  return now + base::Duration{
                   static_cast<base::Duration::rep>(random.below(static_cast<std::uint64_t>(kFirstSpread.count())))};
}

base::Instant ProbePlan::next(base::Instant now, Pace pace, base::Random& random) const {
  base::Duration wait = probe_.fast_interval;
  if (pace == Pace::Steady) {
    const base::Duration most = probe_.interval / 100 * std::min(probe_.jitter_percent, 100u);
    const auto span = static_cast<std::uint64_t>(2 * most.count());
    wait = probe_.interval - most + base::Duration{static_cast<base::Duration::rep>(random.below(span + 1))};
  }
  return std::max(now, began_ + wait);
}

base::Instant ProbePlan::on_demand(base::Instant now) const {
  if (!has_begun_) return now;
  return std::max(now, began_ + std::min(probe_.fast_interval, kDemandGap));
}

void ProbePlan::on_begun(base::Instant now) {
  has_begun_ = true;
  began_ = now;
  ++begun_;
}

void ProbePlan::on_ended(ProbeResult result) { after_failure_ = result == ProbeResult::Failed; }

Connect ProbePlan::connect() const {
  if (after_failure_) return Connect::Fresh;
  return probe_.fresh_every != 0 && begun_ % probe_.fresh_every == 0 ? Connect::Fresh : Connect::Reuse;
}

}  // namespace holdfast::health
