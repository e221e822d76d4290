#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "sessions/memory_store.h"
#include "sessions/session_change.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// The map of a single proxy: the memory store decides everything, at once. One per worker, on its thread; `memory`
/// and `slots` outlive it.
///
/// In an upgrade the map goes to another process. First it is suspended: what would change it is passed on and waits.
/// When the other process has it, nothing remembered here is sure, and each question is one to that process.
class LocalStore final : public Store {
 public:
  /// Passes a change to whoever decides; the response comes by on_response() with its number.
  using Pass = std::function<void(std::uint64_t number, const SessionChange& change)>;

  LocalStore(MemoryStore& memory, SessionSlots& slots) : memory_(memory), slots_(slots) {}
  ~LocalStore() override;

  std::optional<LookupResult> find(std::string_view pool, const Key& key, base::Instant now) override;
  /// While suspended, by what was known last.
  AskedAdmission admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) override;
  Asked bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
             StoreHandler& handler) override;
  BindResult begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) override;
  Asked learn(std::string_view pool, const Key& key, BackendTag to, Wait wait, base::Instant now,
              StoreHandler& handler) override;
  Asked move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
             StoreHandler& handler) override;
  void cookie_issued(const Key& key, base::Instant now) override;
  std::unique_ptr<Question> end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                StoreHandler& handler) override;

  /// Nothing is changed here from now on.
  void suspend(Pass pass);
  /// The other process may change what is remembered here.
  void distrust() { is_sure_ = false; }
  /// There is no other process (any more): this one decides again, first what waits.
  void resume(base::Instant now);
  /// Of a number that is not waited for: nothing happens.
  void on_response(std::uint64_t number, const BindResult& holds, base::Instant now);

 private:
  class Waiting;
  struct Unanswered {
    SessionChange change;
    Waiting* waiting = nullptr;  // null: nobody waits (any more)
  };
  std::unique_ptr<Question> ask(const SessionChange& change, StoreHandler& handler);
  Unanswered& pass_on(const SessionChange& change);
  static void respond(const Unanswered& entry, const BindResult& holds);

  MemoryStore& memory_;
  SessionSlots& slots_;
  Pass pass_;  // null: we decide
  bool is_sure_ = true;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Unanswered> unanswered_;
};

}  // namespace holdfast::sessions
