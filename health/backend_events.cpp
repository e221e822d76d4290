#include "health/backend_events.h"

#include <fmt/format.h>

namespace holdfast::health {

namespace {

constexpr Event::Kind kind_of(OperatorState state) {
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

void BackendEvents::note_trouble(base::Instant since) {
  if (!trouble_since_) trouble_since_ = since;
}

std::optional<Event> BackendEvents::on_change(const Judgement& before, const Facts& facts, base::Instant now) {
  auto event = event_of(before, facts, now);
  if (facts.judgement.state == State::Up) {
    out_since_.reset();
  } else if (before.state == State::Up) {
    out_since_ = now;
  }
  return event;
}

std::optional<Event> BackendEvents::event_of(const Judgement& before, const Facts& facts, base::Instant now) {
  const State state = facts.judgement.state;
  Event event{.backend = backend_,
              .reason = facts.reason,
              .detail = facts.reasons.detail_of(facts.judgement.source),
              .since = now - trouble_since_.value_or(now)};
  if (state == State::Down && facts.judgement.source == Source::Ejection) {
    event.kind = Event::Kind::Ejected;
    event.length = facts.ejected_until - now;
  } else if (state == State::Down) {
    event.kind = Event::Kind::Down;
    if (facts.overdue_since) event.since = now - *facts.overdue_since;
  } else if (state == State::Sick && before.state != State::Sick) {
    event.kind = Event::Kind::Sick;
  } else if (state == State::Starting) {
    event.kind = Event::Kind::Starting;
  } else if (state == State::Up && before.state != State::Up && before.state != State::Draining) {
    event.kind = Event::Kind::Up;
    event.since = now - out_since_.value_or(now);
    event.detail = facts.last_detail;
  } else if (facts.judgement.suspected == Suspected::Yes && !facts.suspicion.is_silence() &&
             may_report_suspicion(now)) {
    event.kind = Event::Kind::Suspect;
    const bool by_request = facts.suspicion.is_suspect();
    event.reason = by_request ? Reason::RequestFailed : facts.reasons.probe_reason();
    event.detail = by_request ? std::string(base::name_of(facts.suspicion.code())) : facts.reasons.probe_detail();
  } else {
    return std::nullopt;
  }
  return event;
}

std::optional<Event> BackendEvents::on_silence_confirmed(const Facts& facts, base::Instant now) {
  if (facts.judgement.suspected != Suspected::Yes || !may_report_suspicion(now)) return std::nullopt;
  return Event{.kind = Event::Kind::Suspect,
               .backend = backend_,
               .reason = Reason::Silence,
               .detail = fmt::format("no response for {} ms, with requests in flight",
                                     base::count_ms(facts.suspicion.silence_lasted())),
               .since = now - trouble_since_.value_or(now)};
}

Event BackendEvents::on_order(const OperatorOrder& order) const {
  return {.kind = kind_of(order.state), .backend = backend_, .reason = Reason::Operator, .order = order};
}

// A backend that fails every other request is suspect again and again.
bool BackendEvents::may_report_suspicion(base::Instant now) {
  if (suspicion_said_ && now - *suspicion_said_ < kSuspicionSaidEvery) return false;
  suspicion_said_ = now;
  return true;
}

}  // namespace holdfast::health
