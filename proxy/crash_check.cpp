#include "proxy/crash_check.h"

#include <string>

#include "sessions/cookie.h"

namespace holdfast::proxy {

bool has_quarantine(const conf::Pool& pool) {
  const conf::Quarantine& rules = pool.quarantine;
  return pool.probe.type != conf::ProbeType::None && (rules.crashes > 0 || rules.crashes_alone > 0);
}

bool is_loss(base::ErrorCode code, const BackendH1& side, const conf::Pool& pool) {
  return (code == base::ErrorCode::Closed || code == base::ErrorCode::Reset) && side.is_connected() &&
         side.has_sent() && has_quarantine(pool);
}

void CrashCheck::reset() {
  client_tag_ = ClientTag::Everybody;
  losses_ = 0;
  lost_at_ = {};
  is_kind_known_ = true;
}

/// A request without a session is identified by its client address.
ClientTag CrashCheck::tag_of(const conf::Pool& pool, const Identity& who) const {
  const sessions::Keyring& keyring = context_.shared.keyring;
  if (who.kind == Identity::Kind::OwnCookie) {
    // Not opened: whoever knows another's id could do worse than ask in their name.
    if (const auto claim = sessions::peek(who.held)) {
      return ClientTag{keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(claim->id)).low};
    }
  } else if (who.kind != Identity::Kind::None) {
    return ClientTag{keyring.session_key(pool.name, who.held).low};
  }
  return ClientTag{keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(address_)).low};
}

Fingerprint CrashCheck::fingerprint(const Subject& subject) const {
  ClientTag client = client_tag_;
  if (client == ClientTag::Everybody) {
    client = subject.session != 0 ? ClientTag{subject.session} : tag_of(subject.pool, {});
  }
  return {.head = head_fingerprint(subject.pool.name, subject.head.text()),
          .length = subject.upload.announced(),
          .body = subject.upload.fingerprint().value(),
          .client = client};
}

const QuarantineView::Entry* CrashCheck::refusing(const Subject& subject) const {
  if (context_.quarantine->entries.empty()) return nullptr;
  const bool is_whole = subject.upload.is_whole() || subject.upload.fingerprint().is_full();
  return context_.quarantine->refusing(
      fingerprint(subject), is_whole ? QuarantineView::Body::Whole : QuarantineView::Body::NotYet, context_.now());
}

void CrashCheck::note_survived(const Subject& subject) {
  if (!has_quarantine(subject.pool)) return;
  context_.shared.safe_kinds.note(context_.kinds.kind_of(subject.pool, subject.head.line()));
  if (context_.quarantine->entries.empty()) return;
  if (const Fingerprint known = fingerprint(subject); context_.quarantine->suspects(known)) {
    context_.listener.on_suspect_answered(known);
  }
}

void CrashCheck::report(const Subject& subject, conf::BackendId backend) {
  const std::string_view path = subject.head.path();
  is_kind_known_ = context_.shared.safe_kinds.has(kind_fingerprint(subject.pool.name, subject.head.text()));
  ++losses_;
  context_.listener.on_request_lost(
      {.backend = backend,
       .fingerprint = fingerprint(subject),
       .is_known = is_kind_known_,
       .at = lost_at_,
       .method = std::string(subject.head.method().substr(0, LostRequest::kShownMax)),
       .path = std::string(path.substr(0, path.find(';')).substr(0, LostRequest::kShownMax))});
}

bool CrashCheck::must_await_verdict(const conf::Pool& pool) const {
  return has_loss() && ((pool.quarantine.crashes_alone > 0 && !is_kind_known_) || has_lost_too_many(pool));
}

bool CrashCheck::has_lost_too_many(const conf::Pool& pool) const {
  return pool.quarantine.crashes > 0 && losses_ >= pool.quarantine.crashes;
}

bool CrashCheck::may_have_crashed(const Subject& subject) const {
  return has_lost_too_many(subject.pool) && context_.quarantine->suspects(fingerprint(subject));
}

}  // namespace holdfast::proxy
