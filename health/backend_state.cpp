#include "health/backend_state.h"

#include <utility>

namespace holdfast::health {

void BackendState::begin(base::WallTime wall_now) {
  judgement_ = judge({});
  since_ = wall_now;
}

Judgement BackendState::enter(const Judgement& next, base::Instant now, base::WallTime wall_now,
                              base::Duration slow_start) {
  const Judgement before = std::exchange(judgement_, next);
  verdict_.suspect = next.suspected == Suspected::Yes;
  if (next.state != before.state) {
    verdict_.state = next.state;
    since_ = wall_now;
    was_down_ = was_down_ || next.state == State::Down || next.state == State::Maint;
  }
  const bool was_out = before.state != State::Up && (before.state != State::Draining || was_down_);
  if (next.state == State::Up && was_out) {
    verdict_.up_since = now;
    verdict_.slow_start = was_down_ && slow_start > base::Duration::zero();
    was_down_ = false;
  }
  return before;
}

}  // namespace holdfast::health
