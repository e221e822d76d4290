#include "health/outlier.h"

#include <algorithm>

namespace holdfast::health {

bool may_eject(const PoolCount& pool, std::uint32_t percent_max) {
  if (percent_max == 0 || pool.serving < 2) return false;
  return pool.ejected == 0 ||
         (std::uint64_t{pool.ejected} + 1) * 100 <= std::uint64_t{percent_max} * std::uint64_t{pool.backends};
}

void Outlier::configure(const conf::Passive& passive, std::uint32_t rise) {
  passive_ = &passive;
  rise_ = std::max(1u, rise);
}

bool Outlier::wants_ejection(std::uint32_t failures_in_a_row) const {
  return passive_->failures != 0 && failures_in_a_row >= passive_->failures && !is_ejected_;
}

void Outlier::eject(base::Instant now, base::ErrorCode cause) {
  if (severity_ > 0 && length_ > base::Duration::zero()) {
    const auto calm_times = std::min<base::Duration::rep>(severity_, (now - released_) / length_);
    severity_ -= static_cast<std::uint32_t>(calm_times);
  }
  // At the longest ejection n stops growing, or it would take for ever to shrink.
  if (severity_ == 0 || passive_->eject * severity_ < passive_->eject_max) ++severity_;
  ++ejections_total_;
  length_ = std::min<base::Duration>(passive_->eject * severity_, passive_->eject_max);
  until_ = now + length_;
  is_ejected_ = true;
  is_gone_ = means_gone(reason_of(cause));
  answered_ = 0;
}

void Outlier::on_late_failure(base::ErrorCode code) {
  if (is_ejected_ && means_gone(reason_of(code))) is_gone_ = true;
}

void Outlier::on_probe(Reason reason, ProbeState state, base::Instant began, base::Instant now) {
  if (!is_ejected_) return;
  if (!means_alive(reason)) {
    answered_ = 0;
    is_gone_ = is_gone_ || means_gone(reason) || state == ProbeState::Failing;
    return;
  }
  ++answered_;
  if (state == ProbeState::Failing) return;  // on the way back, not there yet
  if (began >= until_ || (is_gone_ && answered_ >= rise_)) release(now);
}

void Outlier::on_time(base::Instant now) {
  if (is_ejected_ && now >= until_) release(now);
}

void Outlier::release(base::Instant now) {
  is_ejected_ = false;
  released_ = now;
}

}  // namespace holdfast::health
