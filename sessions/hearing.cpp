#include "sessions/hearing.h"

namespace holdfast::sessions {

std::uint32_t Hearing::join(base::Scheduler& scheduler, Desk& desk) {
  const std::scoped_lock lock(mutex_);
  places_.push_back({&scheduler, &desk});
  return static_cast<std::uint32_t>(places_.size() - 1);
}

void Hearing::leave(std::uint32_t index) {
  const std::scoped_lock lock(mutex_);
  places_[index] = {};
}

void Hearing::deliver(std::uint32_t index, std::uint64_t number, std::string_view hearer) {
  const std::scoped_lock lock(mutex_);
  if (index >= places_.size() || places_[index].desk == nullptr) return;
  places_[index].scheduler->post(
      [this, index, number, hearer = std::string(hearer)] { hand_over(index, number, hearer); });
}

/// On the desk's thread, the only one on which it leaves: what was found stays.
void Hearing::hand_over(std::uint32_t index, std::uint64_t number, const std::string& hearer) {
  Desk* desk = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    desk = places_[index].desk;
  }
  if (desk != nullptr) desk->on_receipt(number, hearer);
}

}  // namespace holdfast::sessions
