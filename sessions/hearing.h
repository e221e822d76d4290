#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "base/time.h"

namespace holdfast::sessions {

/// Whether this process hears what the others say of sessions, and the way receipts of the others take to whoever
/// waits for them. Shared by the control loop, which listens (SharedMap), and the workers; outlives both.
///
/// Only who hears may answer from copies. That is a lease: it runs from before we asked for it, by our own clock, and
/// is ours once our own word has come back by the channel of the news, so that all news before it have been heard.
/// Redis keeps the same lease a little longer. So whoever Redis counts out does not rely on copies any more.
class Hearing {
 public:
  /// Gets receipts, on its own loop's thread.
  class Desk {
   public:
    Desk() = default;
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    virtual ~Desk() = default;
    virtual void on_receipt(std::uint64_t number, std::string_view hearer) = 0;
  };

  /// `self` names this process among all, without a space.
  explicit Hearing(std::string_view self) : self_(self) {}

  const std::string& self() const { return self_; }

  /// Any thread.
  bool is_valid(base::Instant now) const {
    return now.time_since_epoch().count() < until_.load(std::memory_order_acquire);
  }
  // The control loop's.
  void extend(base::Instant until) { until_.store(until.time_since_epoch().count(), std::memory_order_release); }
  void lose() { until_.store(0, std::memory_order_release); }

  /// A new desk; its index is the first half of what receipts for it are addressed by. Leave on the desk's own thread,
  /// or when that does not run.
  std::uint32_t join(base::Scheduler& scheduler, Desk& desk);
  void leave(std::uint32_t index);
  /// Passes a receipt on to the desk's loop. Any thread.
  void deliver(std::uint32_t index, std::uint64_t number, std::string_view hearer);

 private:
  struct Place {
    base::Scheduler* scheduler = nullptr;
    Desk* desk = nullptr;  // null: has left
  };
  void hand_over(std::uint32_t index, std::uint64_t number, const std::string& hearer);

  const std::string self_;
  std::atomic<base::Duration::rep> until_{0};
  std::mutex mutex_;
  std::vector<Place> places_;  // guarded by mutex_
};

}  // namespace holdfast::sessions
