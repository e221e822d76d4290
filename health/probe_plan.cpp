#include "health/probe_plan.h"

#include <algorithm>

namespace holdfast::health {

base::Instant ProbePlan::first(base::Instant now, base::Random& random) {
  return now + base::Duration{
                   static_cast<base::Duration::rep>(random.below(static_cast<std::uint64_t>(kFirstSpread.count())))};
}

base::Instant ProbePlan::next(base::Instant now, Pace pace, base::Random& random) const {
  const base::Duration wait = pace == Pace::Fast
                                  ? probe_->fast_interval
                                  : probe_->interval + jitter(std::min(probe_->jitter_percent, 100u), random);
  return std::max(now, began_ + wait);
}

base::Instant ProbePlan::next_shared(base::Instant now, const Share& share, std::uint64_t backend,
                                     base::Random& random) const {
  using Rep = base::Duration::rep;
  const Rep interval = std::max<Rep>(1, probe_->interval.count());
  const Rep count = std::max(1u, share.count);
  const base::Instant first =
      share.epoch + base::Duration{static_cast<Rep>(base::Random::mix(backend) % static_cast<std::uint64_t>(interval))};
  // Half an interval after the last probe: a turn that a probe on demand or the jitter has just served is not served
  // twice.
  const base::Instant earliest = std::max(now, began_ + probe_->interval / 2);
  const Rep since = (earliest - first).count();
  const Rep turn = since / interval + (since % interval > 0 ? 1 : 0);  // the first to begin at `earliest` or later
  const Rep whose = ((turn + static_cast<Rep>(backend % static_cast<std::uint64_t>(count))) % count + count) % count;
  const Rep mine = turn + (static_cast<Rep>(share.index) - whose + count) % count;
  const base::Duration off = jitter(std::min(probe_->jitter_percent, kSharedJitterPercentMax), random);
  return std::max(now, first + base::Duration{mine * interval} + off);
}

base::Duration ProbePlan::jitter(std::uint32_t percent, base::Random& random) const {
  const base::Duration most = probe_->interval / 100 * percent;
  const auto span = static_cast<std::uint64_t>(2 * most.count());
  return base::Duration{static_cast<base::Duration::rep>(random.below(span + 1))} - most;
}

base::Instant ProbePlan::on_demand(base::Instant now) const {
  if (!has_begun_) return now;
  return std::max(now, began_ + std::min(probe_->fast_interval, kDemandGap));
}

void ProbePlan::on_begun(base::Instant now) {
  has_begun_ = true;
  began_ = now;
  ++begun_;
}

void ProbePlan::on_ended(ProbeResult result) { after_failure_ = result == ProbeResult::Failed; }

Connect ProbePlan::connect() const {
  if (after_failure_) return Connect::Fresh;
  return probe_->fresh_every != 0 && begun_ % probe_->fresh_every == 0 ? Connect::Fresh : Connect::Reuse;
}

Depth ProbePlan::depth(bool matters) const {
  return matters || begun_ % std::max(1u, probe_->health_every) == 0 ? Depth::Full : Depth::Brief;
}

std::uint64_t turn_of(std::string_view name) {
  std::uint64_t hash = 0;
  for (const char c : name) hash = base::Random::mix(hash + static_cast<unsigned char>(c) + 1);
  return hash;
}

}  // namespace holdfast::health
