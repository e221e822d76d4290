#pragma once

#include <cstdint>

#include "health/rise_fall.h"
#include "health/view.h"

namespace holdfast::health {

/// What an operator wants of a backend.
enum class OperatorState : std::uint8_t { Ready, Drain, Maint };

enum class Ejection : std::uint8_t { None, Ejected };
enum class Suspicion : std::uint8_t { None, Suspect };

/// All that is known of a backend when it is judged.
struct Evidence {
  ProbeState probe = ProbeState::Starting;
  Ejection ejection = Ejection::None;
  OperatorState operator_state = OperatorState::Ready;
  Suspicion suspicion = Suspicion::None;
};

/// Who had the last word: where the reason is to be looked up.
enum class Source : std::uint8_t { Nobody, Probe, Ejection, Operator };

struct Judgement {
  State state = State::Starting;
  Source source = Source::Nobody;
  Suspicion suspicion = Suspicion::None;  ///< Only with UP: every other state says more.
  bool operator==(const Judgement&) const = default;
};

/// MAINT hides everything. Death by probe or ejection is not hidden by a drain. Pure.
Judgement judge(const Evidence& evidence);

}  // namespace holdfast::health
