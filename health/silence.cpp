#include "health/silence.h"

#include <algorithm>
#include <utility>

namespace holdfast::health {

bool Silence::is_notable(const Seen& seen, base::Duration limit) {
  if (limit == base::Duration::zero()) return false;
  const std::uint32_t waited = std::exchange(waiting_, seen.waiting);
  if (!std::exchange(has_seen_, true) || seen.waiting == 0 || seen.responses != responses_) {
    responses_ = seen.responses;
    since_ = seen.now;
    due_ = since_ + limit;
    return false;
  }
  if (seen.waiting > waited) due_ = std::min(due_, seen.now + limit);
  if (seen.now < due_) return false;
  due_ = seen.now + std::max(lasted(seen.now), limit);
  return true;
}

}  // namespace holdfast::health
