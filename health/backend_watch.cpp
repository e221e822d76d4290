#include "health/backend_watch.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "health/http_probe.h"
#include "health/http_questions.h"
#include "health/m2ee.h"
#include "health/tcp_probe.h"

namespace holdfast::health {

namespace {

net::Address with_port(net::Address address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  } else if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  }
  return address;
}

constexpr Event::Kind event_of(OperatorState state) {
  switch (state) {
    case OperatorState::Drain:
      return Event::Kind::Draining;
    case OperatorState::Maint:
      return Event::Kind::Maint;
    case OperatorState::Ready:
      return Event::Kind::Ready;
  }
  return Event::Kind::Ready;
}

}  // namespace

BackendWatch::BackendWatch(const Parts& parts, const Target& target)
    : pool_(target.pool),
      id_(target.backend.id),
      turn_(turn_of(pool_->name + "/" + target.backend.name)),
      scheduler_(parts.scheduler),
      dialer_(parts.dialer),
      random_(parts.random),
      owner_(parts.owner),
      rise_fall_(pool_->probe.rise, pool_->probe.fall),
      outlier_(pool_->passive, pool_->probe.rise),
      plan_(pool_->probe),
      prober_(make_prober(target)),
      timer_(scheduler_.timer([this] { on_timer(); })) {}

std::unique_ptr<Prober> BackendWatch::make_prober(const Target& target) {
  const conf::Probe& probe = pool_->probe;
  net::Address address = target.address;
  conf::Endpoint endpoint = target.backend.address;
  const std::uint16_t own_port = target.backend.probe_port;
  if (const std::uint16_t port = own_port != 0 ? own_port : probe.port; port != 0) {
    address = with_port(address, port);
    endpoint.port = port;
  }
  Prober::Done done = [this](const ProbeOutcome& outcome) { on_probe_done(outcome); };
  const auto over_http = [&](std::unique_ptr<Questions> questions) {
    return std::make_unique<HttpProbe>(probe, address, std::move(questions), scheduler_, dialer_, std::move(done));
  };
  switch (probe.type) {
    case conf::ProbeType::None:
      return nullptr;
    case conf::ProbeType::Tcp:
      return std::make_unique<TcpProbe>(probe, address, scheduler_, dialer_, std::move(done));
    case conf::ProbeType::Http:
      return over_http(std::make_unique<HttpQuestions>(probe, endpoint.text()));
    case conf::ProbeType::M2ee:
      return over_http(std::make_unique<M2eeQuestions>(probe, endpoint.text()));
  }
  return nullptr;
}

void BackendWatch::start() {
  is_started_ = true;
  state_since_ = base::wall_now();
  out_since_ = scheduler_.now();
  judgement_ = judge({});
  if (!is_probed()) return judge_again();
  timer_->set(ProbePlan::first(scheduler_.now(), random_));
}

void BackendWatch::reconfigure(const Target& target) {
  const auto before = std::exchange(pool_, target.pool);  // until nobody refers to it any more
  rise_fall_.configure(pool_->probe.rise, pool_->probe.fall);
  outlier_.configure(pool_->passive, pool_->probe.rise);
  plan_.configure(pool_->probe);
  const bool was_probed = is_probed();
  if (was_probed) prober_->cancel();
  prober_ = make_prober(target);
  is_probe_wanted_ = false;
  if (is_probed() && !was_probed) rise_fall_.assume(ProbeState::Passing);
  if (!is_started_) return;
  judge_again();
  timer_->cancel();
  if (!is_probed()) return schedule_next();
  timer_->set(ProbePlan::first(scheduler_.now(), random_));
}

void BackendWatch::stop() {
  is_started_ = false;
  timer_->cancel();
  if (is_probed()) prober_->cancel();
}

void BackendWatch::on_passive_failure(base::ErrorCode code, std::uint32_t in_a_row) {
  if (!is_started_ || verdict_.state == State::Starting || verdict_.state == State::Maint) return;
  if (outlier_.is_ejected()) {
    const bool was_gone = outlier_.is_gone();
    outlier_.on_late_failure(code);
    if (outlier_.is_gone() != was_gone) probe_on_demand();
    return;
  }
  if (verdict_.state == State::Down) return;  // the probes know already
  note_trouble();
  const bool is_news = !std::exchange(is_suspect_, true) || std::exchange(is_silence_, false);
  suspect_since_ = scheduler_.now();
  suspect_code_ = code;
  if (is_news) owner_.on_observation(id_);
  if (outlier_.wants_ejection(in_a_row) && owner_.may_eject(id_)) eject(code, in_a_row);
  judge_again();
  probe_on_demand();
}

void BackendWatch::on_passive_success() {
  // Where there are probes, the next one knows better: this success may have been on its way before the failure.
  if (!is_started_ || is_probed() || !is_suspect_) return;
  is_suspect_ = false;
  judge_again();
}

void BackendWatch::on_silence(base::Duration lasted) {
  if (!is_started_ || !is_probed() || !may_keep(verdict_.state) || is_suspect_) return;
  if (!trouble_since_) trouble_since_ = scheduler_.now() - lasted;
  silence_lasted_ = lasted;
  is_suspect_ = is_silence_ = true;
  suspect_since_ = scheduler_.now();
  judge_again();
  probe_on_demand();
}

void BackendWatch::set_order(const OperatorOrder& order) {
  const OperatorState before = std::exchange(order_, order).state;
  order_detail_ =
      bounded_detail(fmt::format("{} by {} at {}", name_of(order.state), order.by, base::timestamp_text(order.at)));
  // At a drain's deadline they stay for a moment: their clients come back when all else has moved.
  const bool ends_long = order.state == OperatorState::Maint && !order.deadline;
  if (order.state == before) return ends_long ? end_long() : void();
  verdict_.ends_long = ends_long;
  owner_.on_event({.kind = event_of(order.state), .backend = id_, .reason = Reason::Operator, .order = order});
  if (is_started_) judge_again();
}

void BackendWatch::end_long() {
  if (order_.state == OperatorState::Ready || std::exchange(verdict_.ends_long, true) || !is_started_) return;
  owner_.on_changed(*this);
}

void BackendWatch::set_quorum(Quorum quorum, std::string_view words) {
  quorum_detail_ = words;
  if (std::exchange(quorum_, quorum) == quorum || !is_started_) return;
  if (quorum == Quorum::Down) note_trouble();
  judge_again();
}

void BackendWatch::set_share(const Share& share) {
  if (std::exchange(share_, share) == share || !is_started_ || !is_probed()) return;
  if (prober_->is_under_way() || !counted_began_) return;
  if (pace() != Pace::Fast) schedule_next();
}

void BackendWatch::look_now() {
  if (!is_started_ || !is_probed()) return;
  is_asked_ = true;
  probe_on_demand();
}

void BackendWatch::eject(base::ErrorCode code, std::uint32_t in_a_row) {
  outlier_.eject(scheduler_.now(), code);
  ejection_detail_ = fmt::format("{} requests in a row failed, the last one: {}", in_a_row, base::name_of(code));
}

void BackendWatch::on_timer() {
  if (!is_probed()) {
    outlier_.on_time(scheduler_.now());
    is_suspect_ = false;
    return judge_again();
  }
  is_probe_wanted_ = false;
  probe_began_ = scheduler_.now();
  const Connect how = plan_.connect();
  const bool is_steady = rise_fall_.state() == ProbeState::Passing && !rise_fall_.is_changing();
  const Depth depth = plan_.depth(!is_steady || is_suspect_ || is_asked_);
  plan_.on_begun(probe_began_);
  prober_->begin(how, depth);
}

void BackendWatch::on_probe_done(const ProbeOutcome& outcome) {
  last_detail_ = outcome.detail;
  if (outcome.validity == Validity::Discarded) {
    ++discarded_total_;
    plan_.on_discarded();
    // Slept through: at once. What this process lacks it will lack in the next turn, too.
    const bool was_late = outcome.took > pool_->probe.timeout;
    timer_->set(scheduler_.now() + (was_late ? base::Duration::zero() : pool_->probe.fast_interval));
    return;
  }
  count(outcome);
  if (is_silence_ && outcome.result() == ProbeResult::Failed) report_silence();
  clear_suspicion_if_answered(outcome);
  outlier_.on_probe(outcome.reason, rise_fall_.state(), probe_began_, scheduler_.now());
  judge_again();
  schedule_next();
  owner_.on_probed(id_, outcome.reason, probe_began_);
}

void BackendWatch::count(const ProbeOutcome& outcome) {
  const ProbeResult result = outcome.result();
  const auto changes = [this] { return std::pair(rise_fall_.state(), rise_fall_.is_changing()); };
  const auto before = changes();
  rise_fall_.record(result);
  counted_began_ = probe_began_;
  const auto goes_on = [this](std::optional<base::Instant>& since, bool holds) {
    if (!holds) {
      since.reset();
    } else if (!since) {
      since = probe_began_;
    }
  };
  goes_on(failing_since_, rise_fall_.failed_in_a_row() > 0);
  goes_on(starting_since_, result == ProbeResult::Starting);
  const bool is_response = is_asked_ && !is_probe_wanted_;
  if (is_response) is_asked_ = false;
  if (is_response || changes() != before) owner_.on_observation(id_);
  plan_.on_ended(result);
  last_probe_ = ProbeRecord{base::wall_now(), outcome.took, outcome.reason, outcome.status,
                            outcome.passed() ? std::string() : outcome.detail};
  history_.add(*last_probe_);
  took_total_ += outcome.took;
  if (outcome.passed()) {
    ++passed_total_;
    return;
  }
  ++failed_total_;
  failure_ = outcome.reason;
  failure_detail_ = outcome.detail;
  if (rise_fall_.state() != ProbeState::Starting || result != ProbeResult::Starting) note_trouble();
}

void BackendWatch::clear_suspicion_if_answered(const ProbeOutcome& outcome) {
  // A probe begun before the trouble may have been answered before it, too.
  if (means_alive(outcome.reason) && probe_began_ >= suspect_since_) is_suspect_ = is_silence_ = false;
}

/// The probe has found nobody either: from now on it is a suspicion like others.
void BackendWatch::report_silence() {
  is_silence_ = false;
  suspect_code_ = base::ErrorCode::Timeout;
  if (judgement_.suspicion != Suspicion::Suspect || !is_worth_reporting(scheduler_.now())) return;
  owner_.on_event(
      {.kind = Event::Kind::Suspect,
       .backend = id_,
       .reason = Reason::Silence,
       .detail = fmt::format("no answer for {} ms, with requests in flight", base::count_ms(silence_lasted_)),
       .since = scheduler_.now() - trouble_since_.value_or(scheduler_.now())});
}

void BackendWatch::note_trouble() {
  if (!trouble_since_) trouble_since_ = scheduler_.now();
}

/// The app has said for too long that it is starting.
bool BackendWatch::is_overdue() const {
  return rise_fall_.state() == ProbeState::Starting && starting_since_ &&
         scheduler_.now() - *starting_since_ >= pool_->probe.start_timeout;
}

void BackendWatch::judge_again() {
  const bool failing_now = rise_fall_.failed_in_a_row() > 0 || rise_fall_.sick_in_a_row() > 0;
  const Judgement next = judge({
      .probe = is_probed() ? rise_fall_.state() : ProbeState::Passing,
      .ejection = outlier_.is_ejected() ? Ejection::Ejected : Ejection::None,
      .operator_state = order_.state,
      .suspicion = is_suspect_ || failing_now ? Suspicion::Suspect : Suspicion::None,
      .quorum = quorum_,
      .patience = is_overdue() ? Patience::Exhausted : Patience::InTime,
  });
  if (next != judgement_) enter(next);
  if (judgement_.state == State::Up && judgement_.suspicion == Suspicion::None) trouble_since_.reset();
  verdict_.silent = !may_keep(judgement_.state) && rise_fall_.state() == ProbeState::Failing && means_silent(failure_);
  owner_.on_changed(*this);
}

void BackendWatch::enter(const Judgement& next) {
  const Judgement before = std::exchange(judgement_, next);
  const base::Instant now = scheduler_.now();
  verdict_.suspect = next.suspicion == Suspicion::Suspect;
  if (next.state != before.state) {
    verdict_.state = next.state;
    state_since_ = base::wall_now();
    was_down_ = was_down_ || next.state == State::Down || next.state == State::Maint;
    if (next.state == State::Down) is_suspect_ = is_silence_ = false;  // judged: no hurry any more
  }
  const bool was_out = before.state != State::Up && (before.state != State::Draining || was_down_);
  if (next.state == State::Up && was_out) {
    verdict_.up_since = now;
    verdict_.slow_start = was_down_ && pool_->slow_start > base::Duration::zero();
    was_down_ = false;
  }
  report_change(before);
  if (next.state == State::Up) {
    out_since_.reset();
  } else if (before.state == State::Up) {
    out_since_ = now;
  }
}

void BackendWatch::report_change(const Judgement& before) {
  const base::Instant now = scheduler_.now();
  Event event{.backend = id_, .reason = reason(), .detail = detail(), .since = now - trouble_since_.value_or(now)};
  if (judgement_.state == State::Down && judgement_.source == Source::Ejection) {
    event.kind = Event::Kind::Ejected;
    event.length = outlier_.until() - now;
  } else if (judgement_.state == State::Down) {
    event.kind = Event::Kind::Down;
    if (is_overdue()) event.since = now - *starting_since_;
  } else if (judgement_.state == State::Sick && before.state != State::Sick) {
    event.kind = Event::Kind::Sick;
  } else if (judgement_.state == State::Starting) {
    event.kind = Event::Kind::Starting;
  } else if (judgement_.state == State::Up && before.state != State::Up && before.state != State::Draining) {
    event.kind = Event::Kind::Up;
    event.since = now - out_since_.value_or(now);
    event.detail = last_detail_;
  } else if (judgement_.suspicion == Suspicion::Suspect && !is_silence_ && is_worth_reporting(now)) {
    event.kind = Event::Kind::Suspect;
    event.reason = is_suspect_ ? Reason::RequestFailed : failure_;
    event.detail = is_suspect_ ? std::string(base::name_of(suspect_code_)) : failure_detail_;
  } else {
    return;
  }
  owner_.on_event(event);
}

// Somebody who fails each other request is suspect again and again.
bool BackendWatch::is_worth_reporting(base::Instant now) {
  if (suspicion_said_ && now - *suspicion_said_ < kSuspicionSaidEvery) return false;
  suspicion_said_ = now;
  return true;
}

Reason BackendWatch::reason() const {
  switch (judgement_.source) {
    case Source::Nobody:
      return Reason::None;
    case Source::Probe:
      return judgement_.state == State::Down && is_overdue() ? Reason::StartTimeout : failure_;
    case Source::Ejection:
      return Reason::Ejected;
    case Source::Operator:
      return Reason::Operator;
    case Source::Cluster:
      return Reason::Cluster;
  }
  return Reason::None;
}

const std::string& BackendWatch::detail() const {
  static const std::string kNothing;
  switch (judgement_.source) {
    case Source::Probe:
      return failure_detail_;
    case Source::Ejection:
      return ejection_detail_;
    case Source::Operator:
      return order_detail_;
    case Source::Cluster:
      return quorum_detail_;
    case Source::Nobody:
      return kNothing;
  }
  return kNothing;
}

void BackendWatch::probe_on_demand() {
  if (!is_probed()) return schedule_next();
  if (prober_->is_under_way()) {
    is_probe_wanted_ = true;
    return;
  }
  const base::Instant due = plan_.on_demand(scheduler_.now());
  timer_->set(due);
}

void BackendWatch::schedule_next() {
  const base::Instant now = scheduler_.now();
  if (!is_probed()) {
    if (is_ejected()) return timer_->set(outlier_.until());
    if (is_suspect_) timer_->set(now + pool_->probe.interval);
    return;
  }
  if (is_probe_wanted_) return timer_->set(plan_.on_demand(now));
  const Pace next = pace();
  base::Instant due =
      next == Pace::Shared ? plan_.next_shared(now, share_, turn_, random_) : plan_.next(now, next, random_);
  if (is_ejected() && outlier_.until() > now) due = std::min(due, outlier_.until());
  timer_->set(due);
}

Pace BackendWatch::pace() const {
  const bool coming_back = is_ejected() && outlier_.is_gone() && rise_fall_.state() == ProbeState::Passing;
  if (is_suspect_ || rise_fall_.is_changing() || coming_back) return Pace::Fast;
  return share_.count > 1 && !disagrees() ? Pace::Shared : Pace::Steady;
}

// Whoever sees it otherwise than the most keeps looking by itself: nobody else's probes can tell it that it errs.
bool BackendWatch::disagrees() const {
  const ProbeState own = rise_fall_.state();
  const bool others_reach_it = quorum_ == Quorum::Up || quorum_ == Quorum::Sick;
  return (others_reach_it && own == ProbeState::Failing) ||
         (quorum_ == Quorum::Down && (own == ProbeState::Passing || own == ProbeState::Sick));
}

OwnObservation BackendWatch::own_observation() const {
  OwnObservation out;
  if (is_probed()) out.probe = rise_fall_.state();
  out.request_failed = is_suspect_ && !is_silence_;  // others have requests of their own there
  out.passed_in_a_row = rise_fall_.passed_in_a_row();
  out.failed_in_a_row = rise_fall_.failed_in_a_row();
  out.sick_in_a_row = rise_fall_.sick_in_a_row();
  out.probed = counted_began_;
  out.failing_since = failing_since_;
  if (out.failed_in_a_row > 0 || out.sick_in_a_row > 0 || out.probe == ProbeState::Failing) {
    out.reason = failure_;
  } else if (out.request_failed) {
    out.reason = Reason::RequestFailed;
  }
  return out;
}

Condition BackendWatch::condition() const {
  return {.state = verdict_.state,
          .suspect = verdict_.suspect,
          .reason = reason(),
          .detail = detail(),
          .since = state_since_,
          .order = order_};
}

Report BackendWatch::report() const {
  Report out;
  static_cast<Condition&>(out) = condition();
  out.passed_in_a_row = rise_fall_.passed_in_a_row();
  out.failed_in_a_row = rise_fall_.failed_in_a_row();
  out.passed_total = passed_total_;
  out.failed_total = failed_total_;
  out.discarded_total = discarded_total_;
  out.last_probe = last_probe_;
  out.last_detail = last_detail_;
  out.history = history_.records();
  out.took_total = took_total_;
  out.ejections_total = outlier_.ejections_total();
  if (is_ejected()) {
    const base::Duration left = outlier_.until() - scheduler_.now();
    out.ejected_until = base::wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(left);
  }
  return out;
}

}  // namespace holdfast::health
