#include "sessions/local_store.h"

#include <utility>

#include "sessions/order.h"

namespace holdfast::sessions {

/// What a handler holds while the other process is asked. What was asked for happens, whether somebody waits or not.
/// A mere handle, which the handler may destroy inside its own callback: nothing here calls it.
class LocalStore::Waiting final : public Question {
 public:
  Waiting(LocalStore& store, std::uint64_t number, StoreHandler& handler)
      : store_(&store), number_(number), handler_(handler) {}
  ~Waiting() override {
    if (store_ != nullptr) store_->unanswered_.at(number_).waiting = nullptr;
  }
  void forget_store() { store_ = nullptr; }
  StoreHandler& handler() { return handler_; }

 private:
  LocalStore* store_;  // null: it has been decided
  const std::uint64_t number_;
  StoreHandler& handler_;
};

LocalStore::~LocalStore() {
  for (const auto& [number, entry] : unanswered_) {
    if (entry.waiting != nullptr) entry.waiting->forget_store();
  }
}

std::optional<LookupResult> LocalStore::find(std::string_view, const Key& key, base::Instant now) {
  auto found = memory_.find(key, now);
  if (found && !is_sure_) found->is_sure = false;
  return found;
}

AskedAdmission LocalStore::admit(const AdmissionRequest& request, base::Instant, StoreHandler&) {
  // The other process may know a session that this one does not: it is not refused for that.
  if (pass_ && request.key != nullptr) return {.now = {Admission::Outcome::IsIn, nullptr, {}}, .later = nullptr};
  return {.now = slots_.take(*request.limits, request.backend), .later = nullptr};
}

Asked LocalStore::bind(std::string_view, const Key& key, const Binding& wanted, base::Instant now,
                       StoreHandler& handler) {
  const SessionChange change{.kind = SessionChange::Kind::Bind, .key = key, .known = wanted, .to = {}};
  if (!pass_) return {.now = apply(memory_, change, now), .later = nullptr};
  return {.now = {}, .later = ask(change, handler)};
}

BindResult LocalStore::begin(std::string_view, const Key& key, BackendTag to, base::Instant now) {
  const SessionChange change{.kind = SessionChange::Kind::Bind, .key = key, .known = {to, kFirstKnown}, .to = {}};
  if (!pass_) return apply(memory_, change, now);
  pass_on(change);
  return {{to, kFirstKnown}, true};
}

Asked LocalStore::learn(std::string_view, const Key& key, BackendTag to, Wait wait, base::Instant now,
                        StoreHandler& handler) {
  const SessionChange change{.kind = SessionChange::Kind::Learn, .key = key, .known = {}, .to = to};
  if (!pass_) return {.now = apply(memory_, change, now), .later = nullptr};
  Asked learned{.now = {{to, kFirstKnown}, true}, .later = nullptr};
  if (wait == Wait::Yes) {
    learned.later = ask(change, handler);
  } else {
    pass_on(change);
  }
  return learned;
}

Asked LocalStore::move(std::string_view, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
                       StoreHandler& handler) {
  const SessionChange change{.kind = SessionChange::Kind::Move, .key = key, .known = seen, .to = to};
  if (!pass_) return {.now = apply(memory_, change, now), .later = nullptr};
  return {.now = {}, .later = ask(change, handler)};
}

void LocalStore::cookie_issued(const Key& key, base::Instant now) {
  const SessionChange change{.kind = SessionChange::Kind::CookieIssued, .key = key, .known = {}, .to = {}};
  if (!pass_) {
    apply(memory_, change, now);
  } else {
    pass_on(change);
  }
}

std::unique_ptr<Question> LocalStore::end(std::string_view, const Key& key, base::Instant now, Ending ending,
                                          StoreHandler& handler) {
  const auto kind = ending == Ending::Mark ? SessionChange::Kind::MarkEnded : SessionChange::Kind::Forget;
  const SessionChange change{.kind = kind, .key = key, .known = {}, .to = {}};
  if (pass_) return ask(change, handler);
  apply(memory_, change, now);
  return nullptr;
}

void LocalStore::suspend(Pass pass) { pass_ = std::move(pass); }

void LocalStore::resume(base::Instant now) {
  pass_ = nullptr;
  is_sure_ = true;
  // In the order they were asked in. A result may make its handler ask again: that is decided at once.
  while (!unanswered_.empty()) {
    const auto first = unanswered_.extract(unanswered_.begin());
    const BindResult holds = apply(memory_, first.mapped().change, now);
    respond(first.mapped(), holds);
  }
}

void LocalStore::on_response(std::uint64_t number, const BindResult& holds, base::Instant now) {
  const auto found = unanswered_.extract(number);
  if (found.empty()) return;
  const SessionChange& change = found.mapped().change;
  BindResult here = holds;
  if (holds.backend != BackendTag::None) {
    const Binding known = memory_.adopt(change.key, holds.binding(), memory_.stamp_of(change.key), now);
    here = {known, holds.is_ours && known == holds.binding()};
  } else {
    apply(memory_, change, now);
  }
  respond(found.mapped(), here);
}

void LocalStore::respond(const Unanswered& entry, const BindResult& holds) {
  if (entry.waiting == nullptr) return;
  entry.waiting->forget_store();
  StoreHandler& handler = entry.waiting->handler();
  const auto kind = entry.change.kind;
  const bool is_binding = kind == SessionChange::Kind::Bind || kind == SessionChange::Kind::Move;
  is_binding ? handler.on_binding(holds) : handler.on_published();
}

std::unique_ptr<Question> LocalStore::ask(const SessionChange& change, StoreHandler& handler) {
  Unanswered& entry = pass_on(change);
  auto waiting = std::make_unique<Waiting>(*this, last_number_, handler);
  entry.waiting = waiting.get();
  return waiting;
}

LocalStore::Unanswered& LocalStore::pass_on(const SessionChange& change) {
  Unanswered& entry = unanswered_[++last_number_];
  entry.change = change;
  pass_(last_number_, change);
  return entry;
}

}  // namespace holdfast::sessions
