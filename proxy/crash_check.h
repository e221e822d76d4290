#pragma once

#include "proxy/backend_h1.h"
#include "proxy/context.h"
#include "proxy/identity.h"
#include "proxy/owned_head.h"
#include "proxy/quarantine.h"
#include "proxy/upload.h"

namespace holdfast::proxy {

/// One request's part in the quarantine: who asks, what the request looks like, and which backends were lost with it.
/// A value inside its exchange.
class CrashCheck {
 public:
  /// What a request looks like; borrowed for one call.
  struct Subject {
    const conf::Pool& pool;
    const OwnedHead& head;
    const Upload& upload;
    std::uint64_t session = 0;  ///< Low half of the key of the session it showed; 0: none.
  };

  explicit CrashCheck(Context& context) : context_(context) {}

  void reset();
  /// The client's address, as far as we trust who names it.
  void set_address(const AddressBytes& address) { address_ = address; }
  /// Who asks. Needed before there is a session, and only while anything is quarantined.
  void identify(const conf::Pool& pool, const Identity& who) { client_tag_ = tag_of(pool, who); }

  /// What keeps the request from being sent; nullptr: nothing.
  const QuarantineView::Entry* refusing(const Subject& subject) const;
  /// Some backend responded to it, and lives.
  void note_survived(const Subject& subject);

  /// The backend's end of the connection went away with the request on it. It may only have grown old, or the backend
  /// has died: the control loop finds out.
  void note_loss() { lost_at_ = context_.now(); }
  /// The backend is alive, or the request goes to another one.
  void forget_loss() { lost_at_ = {}; }
  bool has_loss() const { return lost_at_ != base::Instant{}; }
  /// Tells the control loop of the loss.
  void report(const Subject& subject, conf::BackendId backend);
  /// What might kill the next backend is not sent there, nor its client told to try again, before that is known: a kind
  /// of request that nobody was ever answered, and one that has lost its backend for the last time allowed.
  bool must_await_verdict(const conf::Pool& pool) const;
  bool is_judged(conf::BackendId backend) const { return context_.quarantine->judged(backend) >= lost_at_; }
  /// Backends died one after the other with it. Perhaps of one cause, so nobody is blamed; but no third is tried.
  bool may_have_crashed(const Subject& subject) const;

 private:
  ClientTag tag_of(const conf::Pool& pool, const Identity& who) const;
  Fingerprint fingerprint(const Subject& subject) const;
  bool has_lost_too_many(const conf::Pool& pool) const;

  Context& context_;
  AddressBytes address_{};
  ClientTag client_tag_ = ClientTag::Everybody;  // Everybody: not asked for yet
  std::uint32_t losses_ = 0;                     // backends whose connection was lost with the request in flight
  base::Instant lost_at_{};                      // the one it is at
  bool is_kind_known_ = true;                    // its like was answered before: looked at when it was lost
};

/// The backend's end of the connection has gone with the request on it.
bool is_loss(base::ErrorCode code, const BackendH1& side, const conf::Pool& pool);

/// The pool looks for requests that crash backends: it needs probes to tell.
bool has_quarantine(const conf::Pool& pool);

}  // namespace holdfast::proxy
