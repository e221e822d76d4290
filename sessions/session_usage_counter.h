#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "base/scheduler.h"
#include "sessions/memory_store.h"
#include "sessions/session_usage.h"

namespace holdfast::sessions {

/// Counts again and again who uses the sessions of each backend, in small steps: however many there are, the loop is
/// not held up, and the more there are the longer it rests. On the control loop; both references outlive it.
class SessionUsageCounter {
 public:
  SessionUsageCounter(const MemoryStore& store, base::Scheduler& scheduler, base::Duration idle_timeout);

  /// As of the last count, but that who is idle has been so ever since; nullopt before the first one.
  std::optional<SessionUsage> of(BackendTag backend) const;

  /// How long it rests after a count of so many steps: a second, and one more for each kStepsPerSecond (some 200,000
  /// records), kLongest at most.
  static base::Duration rest_after(std::uint64_t steps);
  static constexpr base::Duration kEvery = std::chrono::seconds{1};
  static constexpr base::Duration kLongest = std::chrono::seconds{10};
  static constexpr std::uint64_t kStepsPerSecond = 800;

 private:
  using Counts = std::unordered_map<BackendTag, SessionUsage>;
  void go_on();
  void add(const Session& session);

  const MemoryStore& store_;
  base::Scheduler& scheduler_;
  const base::Duration active_within_;
  std::optional<MemoryStore::Walk> walk_;
  base::Instant began_{};
  Counts counting_;
  std::uint64_t steps_ = 0;  // of this count
  std::optional<Counts> counted_;
  base::Instant counted_at_{};
  std::unique_ptr<base::Timer> timer_;
};

}  // namespace holdfast::sessions
