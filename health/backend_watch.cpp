#include "health/backend_watch.h"

#include <utility>

namespace holdfast::health {

namespace {

ProbeTarget probes_of(const BackendWatch::Target& target) {
  return {target.pool->probe, target.backend, target.address};
}

}  // namespace

BackendWatch::BackendWatch(const Parts& parts, const Target& target)
    : pool_(target.pool),
      id_(target.backend.id),
      scheduler_(parts.scheduler),
      owner_(parts.owner),
      probes_({parts.scheduler, parts.dialer, parts.random, *this}, turn_of(pool_->name + "/" + target.backend.name),
              probes_of(target)),
      rise_fall_(pool_->probe.rise, pool_->probe.fall),
      outlier_(pool_->passive, pool_->probe.rise),
      events_(id_) {}

void BackendWatch::start() {
  is_started_ = true;
  state_.begin(base::wall_now());
  events_.begin(scheduler_.now());
  if (!probes_.exist()) return judge_again();
  probes_.start();
}

void BackendWatch::reconfigure(const Target& target) {
  const auto before = std::exchange(pool_, target.pool);  // until nobody refers to it any more
  rise_fall_.configure(pool_->probe.rise, pool_->probe.fall);
  outlier_.configure(pool_->passive, pool_->probe.rise);
  const bool was_probed = probes_.exist();
  probes_.configure(probes_of(target));
  if (probes_.exist() && !was_probed) rise_fall_.assume(ProbeState::Passing);
  if (!is_started_) return;
  judge_again();
  if (!probes_.exist()) return schedule_next();
  probes_.start();
}

void BackendWatch::stop() {
  is_started_ = false;
  probes_.stop();
}

// --- what others report of the backend ---

void BackendWatch::on_passive_failure(base::ErrorCode code, std::uint32_t in_a_row) {
  if (!is_started_ || state_.state() == State::Starting || state_.state() == State::Maint) return;
  if (outlier_.is_ejected()) {
    const bool was_gone = outlier_.is_gone();
    outlier_.on_late_failure(code);
    if (outlier_.is_gone() != was_gone) probe_on_demand();
    return;
  }
  if (state_.state() == State::Down) return;  // the probes know already
  const base::Instant now = scheduler_.now();
  events_.note_trouble(now);
  if (suspicion_.on_failure(code, now)) owner_.on_observation(id_);
  if (outlier_.wants_ejection(in_a_row) && owner_.may_eject(id_)) {
    outlier_.eject(now, code);
    reasons_.on_ejection(code, in_a_row);
  }
  judge_again();
  probe_on_demand();
}

void BackendWatch::on_passive_success() {
  // Where there are probes, the next one knows better: this success may have been on its way before the failure.
  if (!is_started_ || probes_.exist() || !suspicion_.is_suspect()) return;
  suspicion_.clear();
  judge_again();
}

void BackendWatch::on_silence(base::Duration lasted) {
  if (!is_started_ || !probes_.exist() || !may_keep(state_.state()) || suspicion_.is_suspect()) return;
  events_.note_trouble(scheduler_.now() - lasted);
  suspicion_.on_silence(lasted, scheduler_.now());
  judge_again();
  probe_on_demand();
}

void BackendWatch::set_order(const OperatorOrder& order) {
  const OperatorState before = std::exchange(order_, order).state;
  reasons_.on_order(order);
  // At a drain's deadline they stay for a moment: their clients come back when all else has moved.
  const bool ends_long = order.state == OperatorState::Maint && !order.deadline;
  if (order.state == before) return ends_long ? end_long() : void();
  state_.set_ends_long(ends_long);
  owner_.on_event(events_.on_order(order));
  if (is_started_) judge_again();
}

void BackendWatch::end_long() {
  if (order_.state == OperatorState::Ready || verdict().ends_long) return;
  state_.set_ends_long(true);
  if (is_started_) owner_.on_changed(*this);
}

void BackendWatch::set_quorum(Quorum quorum, std::string_view words) {
  reasons_.on_quorum(words);
  if (std::exchange(quorum_, quorum) == quorum || !is_started_) return;
  if (quorum == Quorum::Down) events_.note_trouble(scheduler_.now());
  judge_again();
}

void BackendWatch::set_share(const Share& share) {
  if (!probes_.set_share(share) || !is_started_ || !probes_.exist()) return;
  if (probes_.are_under_way() || !counted_began_) return;
  if (pace() != Pace::Fast) schedule_next();
}

void BackendWatch::look_now() {
  if (!is_started_ || !probes_.exist()) return;
  is_asked_ = true;
  probe_on_demand();
}

// --- probes ---

void BackendWatch::on_due() {
  if (!probes_.exist()) {  // the end of an ejection or of a suspicion
    outlier_.on_time(scheduler_.now());
    suspicion_.clear();
    return judge_again();
  }
  const bool is_steady = rise_fall_.state() == ProbeState::Passing && !rise_fall_.is_changing();
  probes_.begin(!is_steady || suspicion_.is_suspect() || is_asked_);
}

void BackendWatch::on_probe_done(const ProbeOutcome& outcome) {
  if (outcome.validity == Validity::Discarded) return stats_.add_discarded(outcome);
  count(outcome);
  if (outcome.result() == ProbeResult::Failed && suspicion_.confirm_silence()) {
    if (const auto event = events_.on_silence_confirmed(facts(), scheduler_.now())) owner_.on_event(*event);
  }
  if (means_alive(outcome.reason)) suspicion_.on_alive(probes_.began());
  outlier_.on_probe(outcome.reason, rise_fall_.state(), probes_.began(), scheduler_.now());
  judge_again();
  schedule_next();
  owner_.on_probed(id_, outcome.reason, probes_.began());
}

void BackendWatch::count(const ProbeOutcome& outcome) {
  const ProbeResult result = outcome.result();
  const auto changes = [this] { return std::pair(rise_fall_.state(), rise_fall_.is_changing()); };
  const auto before = changes();
  rise_fall_.record(result);
  note_runs(result);
  const bool is_response = is_asked_ && !probes_.is_another_wanted();
  if (is_response) is_asked_ = false;
  if (is_response || changes() != before) owner_.on_observation(id_);
  stats_.add(outcome, base::wall_now());
  if (outcome.passed()) return;
  reasons_.on_probe(outcome.reason, outcome.detail);
  if (rise_fall_.state() != ProbeState::Starting || result != ProbeResult::Starting) {
    events_.note_trouble(scheduler_.now());
  }
}

/// Since when the probes have been saying the same.
void BackendWatch::note_runs(ProbeResult result) {
  counted_began_ = probes_.began();
  const auto goes_on = [this](std::optional<base::Instant>& since, bool holds) {
    if (!holds) {
      since.reset();
    } else if (!since) {
      since = counted_began_;
    }
  };
  goes_on(failing_since_, rise_fall_.failed_in_a_row() > 0);
  goes_on(starting_since_, result == ProbeResult::Starting);
}

void BackendWatch::probe_on_demand() {
  if (probes_.exist()) return probes_.begin_soon();
  schedule_next();
}

void BackendWatch::schedule_next() {
  const base::Instant now = scheduler_.now();
  if (!probes_.exist()) {
    if (is_ejected()) return probes_.set_due(outlier_.until());
    if (suspicion_.is_suspect()) probes_.set_due(now + pool_->probe.interval);
    return;
  }
  const bool ends_later = is_ejected() && outlier_.until() > now;
  probes_.set_next(pace(), ends_later ? std::optional(outlier_.until()) : std::nullopt);
}

Pace BackendWatch::pace() const {
  const bool coming_back = is_ejected() && outlier_.is_gone() && rise_fall_.state() == ProbeState::Passing;
  if (suspicion_.is_suspect() || rise_fall_.is_changing() || coming_back) return Pace::Fast;
  return probes_.are_shared() && !disagrees() ? Pace::Shared : Pace::Steady;
}

// A proxy that sees it otherwise than most keeps looking by itself: nobody else's probes can tell it that it is wrong.
bool BackendWatch::disagrees() const {
  const ProbeState own = rise_fall_.state();
  const bool others_reach_it = quorum_ == Quorum::Up || quorum_ == Quorum::Sick;
  return (others_reach_it && own == ProbeState::Failing) ||
         (quorum_ == Quorum::Down && (own == ProbeState::Passing || own == ProbeState::Sick));
}

// --- the judgement ---

Evidence BackendWatch::evidence() const {
  const bool failing_now = rise_fall_.failed_in_a_row() > 0 || rise_fall_.sick_in_a_row() > 0;
  return {
      .probe = probes_.exist() ? rise_fall_.state() : ProbeState::Passing,
      .ejection = outlier_.is_ejected() ? Ejection::Ejected : Ejection::None,
      .operator_state = order_.state,
      .suspected = suspicion_.is_suspect() || failing_now ? Suspected::Yes : Suspected::No,
      .quorum = quorum_,
      .patience = is_overdue() ? Patience::Exhausted : Patience::InTime,
  };
}

void BackendWatch::judge_again() {
  const Judgement next = judge(evidence());
  if (next != state_.judgement()) enter(next);
  const Judgement& holds = state_.judgement();
  if (holds.state == State::Up && holds.suspected == Suspected::No) events_.note_well();
  state_.set_silent(!may_keep(holds.state) && rise_fall_.state() == ProbeState::Failing &&
                    means_silent(reasons_.probe_reason()));
  owner_.on_changed(*this);
}

void BackendWatch::enter(const Judgement& next) {
  const base::Instant now = scheduler_.now();
  const Judgement before = state_.enter(next, now, base::wall_now(), pool_->slow_start);
  if (next.state == State::Down && before.state != State::Down) suspicion_.clear();  // judged: no hurry any more
  if (const auto event = events_.on_change(before, facts(), now)) owner_.on_event(*event);
}

/// The app has said for too long that it is starting.
bool BackendWatch::is_overdue() const {
  return rise_fall_.state() == ProbeState::Starting && starting_since_ &&
         scheduler_.now() - *starting_since_ >= pool_->probe.start_timeout;
}

Reason BackendWatch::reason() const {
  const Judgement& holds = state_.judgement();
  if (holds.source == Source::Probe && holds.state == State::Down && is_overdue()) return Reason::StartTimeout;
  return reasons_.of(holds.source);
}

BackendEvents::Facts BackendWatch::facts() const {
  return {.judgement = state_.judgement(),
          .reason = reason(),
          .reasons = reasons_,
          .suspicion = suspicion_,
          .ejected_until = outlier_.until(),
          .overdue_since = is_overdue() ? starting_since_ : std::nullopt,
          .last_detail = stats_.last_detail()};
}

// --- what others are told ---

OwnObservation BackendWatch::own_observation() const {
  OwnObservation out;
  if (probes_.exist()) out.probe = rise_fall_.state();
  out.request_failed = suspicion_.is_suspect() && !suspicion_.is_silence();  // others have requests of their own there
  out.passed_in_a_row = rise_fall_.passed_in_a_row();
  out.failed_in_a_row = rise_fall_.failed_in_a_row();
  out.sick_in_a_row = rise_fall_.sick_in_a_row();
  out.probed = counted_began_;
  out.failing_since = failing_since_;
  if (out.failed_in_a_row > 0 || out.sick_in_a_row > 0 || out.probe == ProbeState::Failing) {
    out.reason = reasons_.probe_reason();
  } else if (out.request_failed) {
    out.reason = Reason::RequestFailed;
  }
  return out;
}

Condition BackendWatch::condition() const {
  return {.state = state_.state(),
          .suspect = verdict().suspect,
          .reason = reason(),
          .detail = reasons_.detail_of(state_.judgement().source),
          .since = state_.since(),
          .order = order_};
}

Report BackendWatch::report() const {
  Report out;
  static_cast<Condition&>(out) = condition();
  out.passed_in_a_row = rise_fall_.passed_in_a_row();
  out.failed_in_a_row = rise_fall_.failed_in_a_row();
  stats_.fill(out);
  out.ejections_total = outlier_.ejections_total();
  if (is_ejected()) {
    const base::Duration left = outlier_.until() - scheduler_.now();
    out.ejected_until = base::wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(left);
  }
  return out;
}

}  // namespace holdfast::health
