// Exchange, and requests that kill their backend: what was lost with one, and what is not to be sent to the next.
#include <algorithm>
#include <utility>

#include "base/result.h"
#include "proxy/error_page.h"
#include "proxy/exchange.h"
#include "sessions/cookie.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

// How long anybody waits for the judgement of what was lost: a probe on demand, and a moment for the other workers'
// losses to come in. Where there is none by then, nobody is held to have done it.
constexpr base::Duration kVerdictMax = std::chrono::seconds{2};

}  // namespace

bool Exchange::has_quarantine() const {
  const conf::Quarantine& rules = pool().quarantine;
  return pool().probe.type != conf::ProbeType::None && (rules.crashes > 0 || rules.crashes_alone > 0);
}

/// Of whom a request shows nothing to be known by is known by where it comes from.
ClientTag Exchange::client_tag_of(const Identity& who) const {
  const sessions::Keyring& keyring = context_.shared.keyring;
  if (who.kind == Identity::Kind::OwnCookie) {
    // Not opened: whoever knows another's id could do worse than ask in his name.
    if (const auto id = sessions::peek_id(who.held)) {
      return ClientTag{keyring.session_key(pool().name, std::span<const std::uint8_t, 16>(*id)).low};
    }
  } else if (who.kind != Identity::Kind::None) {
    return ClientTag{keyring.session_key(pool().name, who.held).low};
  }
  return ClientTag{keyring.session_key(pool().name, std::span<const std::uint8_t, 16>(address_)).low};
}

/// The same, of one that has been placed: found out only when it is needed.
ClientTag Exchange::client_tag() const {
  if (client_tag_ != ClientTag::Everybody) return client_tag_;
  return placement_.shown() != 0 ? ClientTag{placement_.shown()} : client_tag_of({});
}

Fingerprint Exchange::fingerprint() const {
  return {.head = head_fingerprint(pool().name, request_head_),
          .length = body_length_,
          .body = body_fingerprint_.value(),
          .client = client_tag()};
}

/// True: it is over.
bool Exchange::refuse_if_quarantined() {
  if (context_.quarantine->entries.empty()) return false;
  const bool is_whole = request_body_.is_done() || body_fingerprint_.is_full();
  const QuarantineView::Entry* const entry = context_.quarantine->refusing(
      fingerprint(), is_whole ? QuarantineView::Body::Whole : QuarantineView::Body::NotYet, context_.now());
  if (entry == nullptr) return false;
  PoolCounters& counters = context_.counters.pool[conf::index(route_->pool)];
  counters.quarantined.add();
  counters.failed.add();
  reply_error(503, {.cause = ErrorCause::Quarantined, .retry_after = entry->until - context_.now()});
  return true;
}

/// Whoever answers it has survived it.
void Exchange::note_answered() {
  if (!has_quarantine()) return;
  context_.shared.safe_kinds.note(
      context_.kinds.kind_of(pool(), std::string_view(request_head_).substr(0, line_bytes_)));
  if (context_.quarantine->entries.empty()) return;
  if (const Fingerprint known = fingerprint(); context_.quarantine->suspects(known))
    context_.listener.on_suspect_answered(known);
}

/// The backend's side of the connection has gone with the request on it. It may only have grown old, or the backend has
/// died: the control loop finds out.
bool Exchange::is_loss(ErrorCode code) const {
  return (code == ErrorCode::Closed || code == ErrorCode::Reset) && lease_ && sent_bytes_ != 0 && has_quarantine();
}

void Exchange::report_lost() {
  const std::string_view head(request_head_);
  const std::string_view method = head.substr(0, head.find(' '));
  const std::string_view target = head.substr(method.size() + 1);
  const std::string_view path = target.substr(0, target.find_first_of(" ?;"));
  is_kind_known_ = context_.shared.safe_kinds.has(kind_fingerprint(pool().name, head));
  ++losses_;
  context_.listener.on_request_lost({.backend = *backend_,
                                     .fingerprint = fingerprint(),
                                     .is_known = is_kind_known_,
                                     .at = lost_at_,
                                     .method = std::string(method.substr(0, LostRequest::kShownMax)),
                                     .path = std::string(path.substr(0, LostRequest::kShownMax))});
}

/// What might kill the next backend, too, is not sent there, nor its client told to try again, before that is known:
/// a kind of request that nobody was ever answered, and one that has lost its backend for the last time allowed.
bool Exchange::must_await_verdict() const {
  return lost_at_ != base::Instant{} &&
         ((pool().quarantine.crashes_alone > 0 && !is_kind_known_) || has_lost_too_many());
}

bool Exchange::has_lost_too_many() const {
  const conf::Quarantine& rules = pool().quarantine;
  return rules.crashes > 0 && losses_ >= rules.crashes;
}

void Exchange::await_verdict(Decision decision, ErrorCode code) {
  decision_ = decision;
  failure_ = code;
  leave_backend();
  enter(Event::Retry);  // to nobody, for the time being
  if (is_judged()) return on_verdict();
  awaits_verdict_ = true;
  context_.awaiting_verdict.push_back(this);
  timer_->set(context_.now() + kVerdictMax);
}

bool Exchange::is_judged() const { return context_.quarantine->judged(*backend_) >= lost_at_; }

void Exchange::on_quarantine_view() {
  if (!awaits_verdict_ || !is_judged()) return;
  Client& client = *client_;
  on_verdict();
  client.resume();
}

void Exchange::on_verdict() {
  if (std::exchange(awaits_verdict_, false)) std::erase(context_.awaiting_verdict, this);
  timer_->cancel();
  if (refuse_if_quarantined()) return;
  // Backends have died one after the other with it. Perhaps of one blow, so nobody is blamed; but no third is tried.
  const bool may_have_done_it = has_lost_too_many() && context_.quarantine->suspects(fingerprint());
  act(may_have_done_it ? Decision::GiveUp : decision_, failure_);
}

}  // namespace holdfast::proxy
