#include "health/verdict.h"

namespace holdfast::health {

Judgement judge(const Evidence& evidence) {
  if (evidence.operator_state == OperatorState::Maint) return {State::Maint, Source::Operator};
  const bool alone = evidence.probe == ProbeState::Failing && evidence.quorum == Quorum::SaysUp;
  if (evidence.probe == ProbeState::Failing && !alone) return {State::Down, Source::Probe};
  if (evidence.ejection == Ejection::Ejected) return {State::Down, Source::Ejection};
  if (evidence.quorum == Quorum::SaysDown) return {State::Down, Source::Cluster};
  if (evidence.probe == ProbeState::Starting) return {State::Starting, Source::Probe};
  if (evidence.operator_state == OperatorState::Drain) return {State::Draining, Source::Operator};
  return {State::Up, Source::Nobody, alone ? Suspicion::Suspect : evidence.suspicion};
}

}  // namespace holdfast::health
