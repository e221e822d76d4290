#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "sessions/key.h"
#include "sessions/memory_store.h"

namespace holdfast::sessions {

/// How many sessions a pool and its backends may have (max_sessions). Immutable.
struct SessionLimits {
  struct Of {
    BackendTag backend = BackendTag::None;
    std::uint64_t sessions_max = 0;  ///< 0: no limit.
  };
  std::uint64_t sessions_max = 0;  ///< Of the pool; 0: no limit.
  std::vector<Of> backends;        ///< All of the pool's.

  bool has_any() const;
};

/// A place among those that Limits leave, held for a session that is about to be made. Given back when destroyed: by
/// then the session is in the map and counts itself, or there is none.
class Reservation : public base::Buried {};

/// May a session begin?
struct Admission {
  enum class Outcome : std::uint8_t {
    Admitted,
    IsIn,         ///< It has begun already, on another proxy.
    BackendFull,  ///< Not on this backend; perhaps on one that is not in `full`.
    PoolFull,
  };
  Outcome outcome = Outcome::Admitted;
  std::unique_ptr<Reservation> reservation;  ///< When Admitted.
  std::vector<BackendTag> full;              ///< With BackendFull: all that have no room.
};

/// The places this process gives out by what its own memory holds: exact, among all its workers. Any thread.
class SessionSlots {
 public:
  explicit SessionSlots(const MemoryStore& sessions) : sessions_(sessions) {}

  /// The place refers to this object.
  Admission take(const SessionLimits& limits, BackendTag backend);
  /// For the names of places that are held elsewhere.
  std::uint64_t next_number() { return last_number_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  class Taken;
  std::uint64_t used(BackendTag backend) const;

  const MemoryStore& sessions_;
  std::atomic<std::uint64_t> last_number_{0};
  std::mutex mutex_;
  std::unordered_map<BackendTag, std::uint64_t> taken_;  // guarded by mutex_; none is 0
};

}  // namespace holdfast::sessions
