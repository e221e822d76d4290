#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/scheduler.h"
#include "base/time.h"
#include "sessions/binding.h"
#include "sessions/key.h"
#include "sessions/session_slots.h"

namespace holdfast::sessions {

/// Who waits for a response of the map. Each comes once per question, on the handler's thread, never from inside the
/// call that asked.
class StoreHandler {
 public:
  StoreHandler() = default;
  StoreHandler(const StoreHandler&) = delete;
  StoreHandler& operator=(const StoreHandler&) = delete;
  virtual ~StoreHandler() = default;
  /// What holds now: of a bind or a move.
  virtual void on_binding(const BindResult& holds) = 0;
  virtual void on_admission(Admission admission) = 0;
  /// Of an end or a learned session: all proxies know of it, or the time to wait for them is over.
  virtual void on_published() = 0;
};

/// A question to the map that is under way. Destroying it: the response never comes (what was asked for may happen).
class Question : public base::Buried {};

/// What a question came to: its response at once, or later to the handler.
struct Asked {
  BindResult now;                   ///< What holds, when there is no question.
  std::unique_ptr<Question> later;  ///< nullptr: `now` is the response.
};

/// The same for an admission.
struct AskedAdmission {
  Admission now;
  std::unique_ptr<Question> later;
};

/// A session that would begin at `backend`, in a pool with limits.
struct AdmissionRequest {
  std::string_view pool;
  const Key* key = nullptr;  ///< What the client has shown, which another proxy may know; nullptr: nothing.
  BackendTag backend = BackendTag::None;
  std::shared_ptr<const SessionLimits> limits;
};

/// What becomes of a session that is ended.
enum class Ending : std::uint8_t {
  Forget,  ///< Nothing is left of it: for what the app ended, whose id nobody will show again.
  Mark,    ///< A mark is left, so that a signed cookie does not bring the session back.
};

/// The session map as one worker sees it: the worker's thread only. What other proxies do with a session arrives here
/// by itself. No call fails: where nobody can be asked, this process's own memory decides.
///
/// `pool` names the part of the map that a session belongs to.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// What this process remembers. A hit counts as use at `now` (idle expiry starts again). No allocation.
  virtual std::optional<LookupResult> find(std::string_view pool, const Key& key, base::Instant now) = 0;

  /// Is there room for one more session? Who is let in holds a reservation until the session is in the map. Exact
  /// within this process; with Redis over all proxies, as long as it replies.
  virtual AskedAdmission admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) = 0;

  /// With a generation (a ticket or a copy remembers it) an offer: of `wanted` and what is bound the later one holds
  /// (is_later). Without one a guess: binds what is not bound yet.
  virtual Asked bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
                     StoreHandler& handler) = 0;

  /// The first binding of a session that no client can have shown yet: known at once, there is nothing to agree on and
  /// nobody waits.
  virtual BindResult begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) = 0;

  /// The app, at `to`, has set this id: known from now on, against guesses and after an end; what is known already
  /// stays. `now` says what holds here. With Wait::Yes the handler is told (on_published) when any proxy
  /// would find it, unless that is so at once.
  enum class Wait : std::uint8_t { No, Yes };
  virtual Asked learn(std::string_view pool, const Key& key, BackendTag to, Wait wait, base::Instant now,
                      StoreHandler& handler) = 0;

  /// Compare-and-set: if the session is still at `seen`, it moves to `to` with the next generation; the response is
  /// what holds then: the caller adopts it, whether it won or lost. A forgotten session is bound afresh to `to` with
  /// the generation after that of `seen`.
  virtual Asked move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
                     StoreHandler& handler) = 0;

  /// Our cookie for this session was given out again.
  virtual void cookie_issued(const Key& key, base::Instant now) = 0;

  /// Ends the session: here at once. nullptr: everywhere; else that is so when the handler is told.
  virtual std::unique_ptr<Question> end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                        StoreHandler& handler) = 0;
};

}  // namespace holdfast::sessions
