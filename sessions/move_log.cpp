#include "sessions/move_log.h"

namespace holdfast::sessions {

void MoveLog::note(const Key& key, const Move& move) {
  const std::lock_guard lock(mutex_);
  if (!moves_.insert_or_assign(key, move).second) return;
  order_.push_back(key);
  if (order_.size() <= kMovesMax) return;
  moves_.erase(order_.front());
  order_.pop_front();
}

std::optional<Move> MoveLog::last(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = moves_.find(key);
  return found == moves_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace holdfast::sessions
