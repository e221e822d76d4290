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

/// Whether this process receives the others' updates of sessions, and the way acks of the others take to whoever
/// waits for them. Shared by the control loop, which listens (SharedMap), and the workers; outlives both.
///
/// Only a subscriber may use copies. That is a lease: it runs from before we asked for it, by our own clock, and
/// is ours once our heartbeat has come back by the channel of the updates, so that all earlier updates have arrived.
/// Redis keeps the same lease a little longer. So whoever Redis counts out does not rely on copies any more.
class CopyLease {
 public:
  /// Gets acks, on its own loop's thread.
  class AckHandler {
   public:
    AckHandler() = default;
    AckHandler(const AckHandler&) = delete;
    AckHandler& operator=(const AckHandler&) = delete;
    virtual ~AckHandler() = default;
    virtual void on_ack(std::uint64_t number, std::string_view subscriber) = 0;
  };

  /// `self` names this process among all, without a space.
  explicit CopyLease(std::string_view self) : self_(self) {}

  const std::string& self() const { return self_; }

  /// Any thread.
  bool is_valid(base::Instant now) const {
    return now.time_since_epoch().count() < until_.load(std::memory_order_acquire);
  }
  // The control loop's.
  void extend(base::Instant until) { until_.store(until.time_since_epoch().count(), std::memory_order_release); }
  void lose() { until_.store(0, std::memory_order_release); }

  /// A new handler; its index is the first half of what acks for it are addressed by. Leave on the handler's own
  /// thread, or when that does not run.
  std::uint32_t join(base::Scheduler& scheduler, AckHandler& handler);
  void leave(std::uint32_t index);
  /// Passes an ack on to the handler's loop. Any thread.
  void deliver(std::uint32_t index, std::uint64_t number, std::string_view subscriber);

 private:
  struct Subscription {
    base::Scheduler* scheduler = nullptr;
    AckHandler* handler = nullptr;  // null: has left
  };
  void hand_over(std::uint32_t index, std::uint64_t number, const std::string& subscriber);

  const std::string self_;
  std::atomic<base::Duration::rep> until_{0};
  std::mutex mutex_;
  std::vector<Subscription> subscriptions_;  // guarded by mutex_
};

}  // namespace holdfast::sessions
