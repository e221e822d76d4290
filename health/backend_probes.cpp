#include "health/backend_probes.h"

#include <algorithm>
#include <utility>

namespace holdfast::health {

BackendProbes::BackendProbes(const Parts& parts, std::uint64_t turn, const ProbeTarget& target)
    : scheduler_(parts.scheduler),
      dialer_(parts.dialer),
      random_(parts.random),
      owner_(parts.owner),
      turn_(turn),
      probe_(&target.probe),
      plan_(target.probe),
      prober_(prober_for(target)),
      timer_(scheduler_.timer([this] { owner_.on_due(); })) {}

std::unique_ptr<Prober> BackendProbes::prober_for(const ProbeTarget& target) {
  return make_prober(target, scheduler_, dialer_, [this](const ProbeOutcome& outcome) { on_done(outcome); });
}

void BackendProbes::start() { timer_->set(ProbePlan::first(scheduler_.now(), random_)); }

void BackendProbes::configure(const ProbeTarget& target) {
  if (exist()) prober_->cancel();
  timer_->cancel();
  is_another_wanted_ = false;
  probe_ = &target.probe;
  plan_.configure(target.probe);
  prober_ = prober_for(target);
}

void BackendProbes::stop() {
  timer_->cancel();
  if (exist()) prober_->cancel();
}

bool BackendProbes::set_share(const Share& share) { return std::exchange(share_, share) != share; }

void BackendProbes::begin(bool matters) {
  is_another_wanted_ = false;
  began_ = scheduler_.now();
  const Connect how = plan_.connect();
  const Depth depth = plan_.depth(matters);
  plan_.on_begun(began_);
  prober_->begin(how, depth);
}

void BackendProbes::on_done(const ProbeOutcome& outcome) {
  if (outcome.validity == Validity::Discarded) {
    plan_.on_discarded();
    // Slept through: at once. What this process lacks it will lack in the next turn, too.
    const bool was_late = outcome.took > probe_->timeout;
    timer_->set(scheduler_.now() + (was_late ? base::Duration::zero() : probe_->fast_interval));
  } else {
    plan_.on_ended(outcome.result());
  }
  owner_.on_probe_done(outcome);
}

void BackendProbes::begin_soon() {
  if (prober_->is_under_way()) {
    is_another_wanted_ = true;
  } else {
    timer_->set(plan_.on_demand(scheduler_.now()));
  }
}

void BackendProbes::set_next(Pace pace, std::optional<base::Instant> latest) {
  const base::Instant now = scheduler_.now();
  if (is_another_wanted_) return timer_->set(plan_.on_demand(now));
  base::Instant due =
      pace == Pace::Shared ? plan_.next_shared(now, share_, turn_, random_) : plan_.next(now, pace, random_);
  if (latest) due = std::min(due, *latest);
  timer_->set(due);
}

}  // namespace holdfast::health
