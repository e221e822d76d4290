// Dispatch, when something goes wrong: attempts that fail, backends that hang, requests that may have crashed theirs.
#include <algorithm>
#include <utility>

#include "proxy/dispatch.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

// How long a request waits for the judgement of what was lost: a probe on demand, and a moment for the other workers'
// losses to come in. Where there is none by then, no request is held to have done it.
constexpr base::Duration kVerdictMax = std::chrono::seconds{2};

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Timeout:
      return 504;
    case ErrorCode::Overload:
    case ErrorCode::Unavailable:
      return 503;
    default:
      return 502;
  }
}

}  // namespace

/// Notes the failure, then tries again, or responds.
void Dispatch::on_attempt_failed(ErrorCode code) {
  const bool is_connected = side().is_connected();
  const FailedAttempt attempt{.method = request_.method,
                              .stage = side().stage(request_.upload.is_whole()),
                              .connection = is_connected && side().is_reused() ? FailedAttempt::Connection::Reused
                                                                               : FailedAttempt::Connection::Fresh,
                              .body_is_replayable = request_.upload.is_replayable(),
                              .is_released = std::exchange(tries_.is_released, false),
                              .backend_may_serve = health::may_keep(attempt_.verdict().state),
                              .has_redialled = tries_.has_redialled,
                              .attempts = tries_.attempts,
                              .attempts_max = request_.pool->retry.attempts,
                              .error = code};
  Decision decision = decide(attempt);
  // A kept-alive connection that was dead says nothing about its backend.
  if (decision != Decision::RedialSame) attempt_.note_failure(code);
  if (is_loss(code, side(), *request_.pool)) crash_check_.note_loss();
  attempt_.forget_connection();
  if (decision == Decision::RedialSame) {
    tries_.has_redialled = true;
    request_.enter(Event::Redial);
    return dial();
  }
  if (crash_check_.has_loss()) crash_check_.report(subject(), *attempt_.backend());
  if (decision == Decision::TryElsewhere && draws_on_budget(attempt) &&
      !context_.budgets[conf::index(request_.route->pool)].may_retry(context_.now())) {
    request_.counters().retries_refused.add();
    decision = Decision::GiveUp;
  }
  if (crash_check_.must_await_verdict(*request_.pool)) return await_verdict(decision, code);
  act(decision, code);
}

void Dispatch::act(Decision decision, ErrorCode code) {
  if (decision == Decision::GiveUp) return give_up(code);
  attempt_.counters().retried_away.add();
  request_.enter(Event::Retry);
  request_.upload.retry();
  tries_.has_redialled = false;
  crash_check_.forget_loss();
  place_elsewhere(code);
}

/// Where no backend may serve, people see the maintenance page.
void Dispatch::give_up(ErrorCode code) {
  request_.counters().failed.add();
  ErrorDetails details;
  if (code == ErrorCode::Unavailable) {
    details.maintenance = request_.snapshot->maintenance_pages[conf::index(request_.route->pool)];
  }
  owner_.reply_error(status_of(code), details);
}

void Dispatch::on_response_cut(ErrorCode code) {
  attempt_.note_failure(code);
  if (!is_loss(code, side(), *request_.pool)) return;
  crash_check_.note_loss();
  crash_check_.report(subject(), *attempt_.backend());
}

CrashCheck::Subject Dispatch::subject() const {
  return {.pool = *request_.pool, .head = request_.head, .upload = request_.upload, .session = placement_->shown()};
}

/// True: it is over.
bool Dispatch::refuse_if_quarantined() {
  const QuarantineView::Entry* const entry = crash_check_.refusing(subject());
  if (entry == nullptr) return false;
  request_.counters().quarantined.add();
  request_.counters().failed.add();
  owner_.reply_error(503, {.cause = ErrorCause::Quarantined, .retry_after = entry->until - context_.now()});
  return true;
}

void Dispatch::await_verdict(Decision decision, ErrorCode code) {
  tries_.decision = decision;
  tries_.failure = code;
  leave();
  request_.enter(Event::Lost);
  context_.awaiting_verdict.push_back(this);
  if (crash_check_.is_judged(*attempt_.backend())) return on_verdict();
  request_.deadline->set(context_.now() + kVerdictMax);
}

void Dispatch::on_quarantine_view() {
  if (request_.state != State::Judging || !crash_check_.is_judged(*attempt_.backend())) return;
  ClientSide& client = *request_.client;
  on_verdict();
  client.resume();
}

void Dispatch::on_verdict() {
  request_.deadline->cancel();
  std::erase(context_.awaiting_verdict, this);
  if (refuse_if_quarantined()) return;
  act(crash_check_.may_have_crashed(subject()) ? Decision::GiveUp : tries_.decision, tries_.failure);
}

void Dispatch::on_due() {
  if (request_.state == State::Judging) return on_verdict();
  on_no_room();
}

void Dispatch::on_view() {
  if (!attempt_.backend()) return;
  const health::Verdict& verdict = attempt_.verdict();
  if (verdict.silent && attempt_.is_under_way() && request_.state != State::Tunnelling) {
    on_hung();
  } else if (request_.state == State::Choosing && attempt_.is_queued() && !health::may_keep(verdict.state)) {
    place_elsewhere(ErrorCode::Unavailable);
  }
}

/// Its backend was judged down, and sends nothing at all any more: what waits for it waits in vain. Once: where the
/// next one hangs, too, the deadlines end it.
void Dispatch::on_hung() {
  if (std::exchange(tries_.is_hung, true)) return;
  const base::Duration grace = request_.pool->hung.grace;
  if (grace == base::Duration::zero()) return leave_hung();
  look_at_hung_at(context_.now() + grace);
}

void Dispatch::look_at_hung_at(base::Instant due) {
  if (!hung_) {
    hung_ = context_.scheduler.timer([this] {
      ClientSide& client = *request_.client;
      if (attempt_.verdict().silent) leave_hung();
      client.resume();
    });
  }
  hung_->set(due);
}

void Dispatch::leave_hung() {
  const bool is_relaying = request_.state == State::Relaying;
  const bool is_clients_turn = is_relaying && (!side().is_connected() || request_.client->is_blocked());
  if (request_.state == State::Holding || is_clients_turn) return;
  // A backend whose response still comes does not hang, whatever the probes say.
  const base::Instant quiet = request_.times.moved + request_.pool->probe.timeout;
  if (is_relaying && context_.now() < quiet) return look_at_hung_at(quiet);
  attempt_.counters().released.add();
  if (is_relaying) return owner_.on_hung_response();
  attempt_.cancel_dial();
  tries_.is_released = true;
  on_attempt_failed(ErrorCode::Timeout);
}

}  // namespace holdfast::proxy
