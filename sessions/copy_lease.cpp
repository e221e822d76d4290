#include "sessions/copy_lease.h"

namespace holdfast::sessions {

std::uint32_t CopyLease::join(base::Scheduler& scheduler, AckHandler& handler) {
  const std::scoped_lock lock(mutex_);
  subscriptions_.push_back({&scheduler, &handler});
  return static_cast<std::uint32_t>(subscriptions_.size() - 1);
}

void CopyLease::leave(std::uint32_t index) {
  const std::scoped_lock lock(mutex_);
  subscriptions_[index] = {};
}

void CopyLease::deliver(std::uint32_t index, std::uint64_t number, std::string_view subscriber) {
  const std::scoped_lock lock(mutex_);
  if (index >= subscriptions_.size() || subscriptions_[index].handler == nullptr) return;
  subscriptions_[index].scheduler->post(
      [this, index, number, subscriber = std::string(subscriber)] { hand_over(index, number, subscriber); });
}

/// On the handler's thread, the only one on which it leaves: what was found stays.
void CopyLease::hand_over(std::uint32_t index, std::uint64_t number, const std::string& subscriber) {
  AckHandler* handler = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    handler = subscriptions_[index].handler;
  }
  if (handler != nullptr) handler->on_ack(number, subscriber);
}

}  // namespace holdfast::sessions
