#include "health/verdict.h"

namespace holdfast::health {

Judgement judge(const Evidence& evidence) {
  if (evidence.operator_state == OperatorState::Maint) return {State::Maint, Source::Operator};
  const bool others_reach_it = evidence.quorum == Quorum::Up || evidence.quorum == Quorum::Sick;
  const bool alone = evidence.probe == ProbeState::Failing && others_reach_it;
  if (evidence.probe == ProbeState::Failing && !alone) return {State::Down, Source::Probe};
  if (evidence.ejection == Ejection::Ejected) return {State::Down, Source::Ejection};
  if (evidence.quorum == Quorum::Down) return {State::Down, Source::Cluster};
  if (evidence.probe == ProbeState::Starting) {
    return {evidence.patience == Patience::Exhausted ? State::Down : State::Starting, Source::Probe};
  }
  if (evidence.operator_state == OperatorState::Drain) return {State::Draining, Source::Operator};
  if (evidence.probe == ProbeState::Sick) return {State::Sick, Source::Probe};
  if (alone && evidence.quorum == Quorum::Sick) return {State::Sick, Source::Cluster};
  return {State::Up, Source::Nobody, alone ? Suspected::Yes : evidence.suspected};
}

}  // namespace holdfast::health
