#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "sessions/census.h"
#include "sessions/memory_store.h"

namespace holdfast::sessions {

/// Counts again and again who uses the sessions of some backends, in small steps: however many there are, the loop is
/// not held up. Rests while there is nobody to count. On the control loop; both references outlive it.
class MemoryCensus {
 public:
  MemoryCensus(const MemoryStore& store, base::Scheduler& scheduler, base::Duration idle_timeout);

  /// From now on those of these backends.
  void watch(const std::vector<BackendTag>& backends);
  /// As of the last count; nullopt before the first one.
  std::optional<Census> of(BackendTag backend) const;

  static constexpr base::Duration kEvery = std::chrono::seconds{1};

 private:
  using Counts = std::unordered_map<BackendTag, Census>;
  void begin();
  void go_on();
  void add(const Session& session);

  const MemoryStore& store_;
  base::Scheduler& scheduler_;
  const base::Duration active_within_;
  std::vector<BackendTag> watched_;
  std::optional<MemoryStore::Walk> walk_;
  base::Instant began_{};
  Counts counting_;
  Counts counted_;
  std::unique_ptr<base::Timer> timer_;
};

}  // namespace holdfast::sessions
