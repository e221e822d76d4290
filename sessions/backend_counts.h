#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "sessions/key.h"

namespace holdfast::sessions {

/// How many sessions each backend has. Any thread. A backend once named is remembered, at 0.
class BackendCounts {
 public:
  void increment(BackendTag backend) {
    {
      const std::shared_lock lock(mutex_);
      const auto at = counts_.find(backend);
      if (at != counts_.end()) {
        at->second.fetch_add(1, std::memory_order_relaxed);
        return;
      }
    }
    const std::unique_lock lock(mutex_);
    counts_.try_emplace(backend).first->second.fetch_add(1, std::memory_order_relaxed);
  }

  /// Undoes one increment().
  void decrement(BackendTag backend) {
    const std::shared_lock lock(mutex_);
    counts_.find(backend)->second.fetch_sub(1, std::memory_order_relaxed);
  }

  std::uint64_t of(BackendTag backend) const {
    const std::shared_lock lock(mutex_);
    const auto at = counts_.find(backend);
    return at == counts_.end() ? 0 : at->second.load(std::memory_order_relaxed);
  }

  std::size_t memory_bytes() const {
    const std::shared_lock lock(mutex_);
    return counts_.size() * kEntryBytes + counts_.bucket_count() * sizeof(void*);
  }

 private:
  static constexpr std::size_t kEntryBytes = 48;  // tag, count, link, and what the allocator adds

  mutable std::shared_mutex mutex_;
  std::unordered_map<BackendTag, std::atomic<std::uint64_t>> counts_;
};

}  // namespace holdfast::sessions
