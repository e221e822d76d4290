#include "sessions/places.h"

#include <algorithm>

namespace holdfast::sessions {

bool Limits::has_any() const {
  return sessions_max > 0 ||
         std::any_of(backends.begin(), backends.end(), [](const Of& one) { return one.sessions_max > 0; });
}

class Places::Taken final : public Place {
 public:
  Taken(Places& places, BackendTag backend) : places_(places), backend_(backend) {}
  ~Taken() override {
    const std::scoped_lock lock(places_.mutex_);
    const auto at = places_.taken_.find(backend_);
    if (--at->second == 0) places_.taken_.erase(at);
  }

 private:
  Places& places_;
  const BackendTag backend_;
};

Admission Places::take(const Limits& limits, BackendTag backend) {
  using Verdict = Admission::Verdict;
  const std::scoped_lock lock(mutex_);
  std::uint64_t in_pool = 0;
  bool is_full = false;
  std::vector<BackendTag> full;
  for (const Limits::Of& one : limits.backends) {
    const std::uint64_t here = used(one.backend);
    in_pool += here;
    if (one.sessions_max == 0 || here < one.sessions_max) continue;
    full.push_back(one.backend);
    is_full = is_full || one.backend == backend;
  }
  if (limits.sessions_max > 0 && in_pool >= limits.sessions_max) return {Verdict::PoolFull, nullptr, {}};
  if (is_full) return {Verdict::BackendFull, nullptr, std::move(full)};
  ++taken_[backend];
  return {Verdict::Admitted, std::make_unique<Taken>(*this, backend), {}};
}

/// A session that takes its place's place is counted twice for a moment: never one too many.
std::uint64_t Places::used(BackendTag backend) const {
  const auto at = taken_.find(backend);
  return sessions_.size_of(backend) + (at == taken_.end() ? 0 : at->second);
}

}  // namespace holdfast::sessions
