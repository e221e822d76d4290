#include "health/verdict.h"

namespace holdfast::health {

Judgement judge(const Evidence& evidence) {
  if (evidence.operator_state == OperatorState::Maint) return {State::Maint, Source::Operator};
  if (evidence.probe == ProbeState::Failing) return {State::Down, Source::Probe};
  if (evidence.ejection == Ejection::Ejected) return {State::Down, Source::Ejection};
  if (evidence.probe == ProbeState::Starting) return {State::Starting, Source::Probe};
  if (evidence.operator_state == OperatorState::Drain) return {State::Draining, Source::Operator};
  return {State::Up, Source::Nobody, evidence.suspicion};
}

}  // namespace holdfast::health
