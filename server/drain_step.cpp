#include "server/drain_step.h"

namespace holdfast::server {

DrainStep drain_step(const DrainFacts& facts) {
  using Stage = DrainFacts::Stage;
  const bool is_quiet = facts.requests == 0;
  const bool is_empty = facts.sessions == 0;
  DrainStep step;
  switch (facts.stage) {
    case Stage::Draining:
      // What is open still belongs to sessions that have ended.
      step.ends_long = facts.is_sticky && is_empty && facts.is_counted;
      step.is_over = is_quiet && is_empty && facts.is_counted;
      break;
    case Stage::Overdue:
      step.moves = facts.is_movable && !is_empty && facts.may_move && !facts.is_moving;
      step.ends_long = (is_empty && facts.is_sticky) || facts.overdue >= kLongStays;
      step.is_over = is_quiet && (is_empty || !facts.is_movable);
      break;
    case Stage::Maint:
      step.ends_long = true;
      step.is_over = is_quiet;
      break;
  }
  return step;
}

}  // namespace holdfast::server
