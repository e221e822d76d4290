#include "sessions/session_slots.h"

#include <algorithm>

namespace holdfast::sessions {

bool SessionLimits::has_any() const {
  return sessions_max > 0 ||
         std::any_of(backends.begin(), backends.end(), [](const Of& one) { return one.sessions_max > 0; });
}

class SessionSlots::Taken final : public Reservation {
 public:
  Taken(SessionSlots& slots, BackendTag backend) : slots_(slots), backend_(backend) {}
  ~Taken() override {
    const std::scoped_lock lock(slots_.mutex_);
    const auto at = slots_.taken_.find(backend_);
    if (--at->second == 0) slots_.taken_.erase(at);
  }

 private:
  SessionSlots& slots_;
  const BackendTag backend_;
};

Admission SessionSlots::take(const SessionLimits& limits, BackendTag backend) {
  using Outcome = Admission::Outcome;
  const std::scoped_lock lock(mutex_);
  std::uint64_t in_pool = 0;
  bool is_full = false;
  std::vector<BackendTag> full;
  for (const SessionLimits::Of& one : limits.backends) {
    const std::uint64_t here = used(one.backend);
    in_pool += here;
    if (one.sessions_max == 0 || here < one.sessions_max) continue;
    full.push_back(one.backend);
    is_full = is_full || one.backend == backend;
  }
  if (limits.sessions_max > 0 && in_pool >= limits.sessions_max) return {Outcome::PoolFull, nullptr, {}};
  if (is_full) return {Outcome::BackendFull, nullptr, std::move(full)};
  ++taken_[backend];
  return {Outcome::Admitted, std::make_unique<Taken>(*this, backend), {}};
}

/// A session that takes its place's place is counted twice for a moment: never one too many.
std::uint64_t SessionSlots::used(BackendTag backend) const {
  const auto at = taken_.find(backend);
  return sessions_.size_of(backend) + (at == taken_.end() ? 0 : at->second);
}

}  // namespace holdfast::sessions
