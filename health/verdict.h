#pragma once

#include <cstdint>

#include "health/operator_state.h"
#include "health/rise_fall.h"
#include "health/view.h"

namespace holdfast::health {

enum class Ejection : std::uint8_t { None, Ejected };
enum class Suspected : std::uint8_t { No, Yes };

/// What the proxies agree on about a backend.
enum class Quorum : std::uint8_t {
  None,  ///< Nothing, or there is nobody to agree with: each for itself.
  Up,    ///< Most of them reach it.
  Sick,  ///< The same, and it tells most of those that it is sick.
  Down,  ///< Most of them do not.
};

/// An app that says it is starting is given time.
enum class Patience : std::uint8_t { InTime, Exhausted };

/// All that is known of a backend when it is judged.
struct Evidence {
  ProbeState probe = ProbeState::Starting;
  Ejection ejection = Ejection::None;
  OperatorState operator_state = OperatorState::Ready;
  Suspected suspected = Suspected::No;
  Quorum quorum = Quorum::None;
  Patience patience = Patience::InTime;  ///< With ProbeState::Starting.
};

/// Who had the last word: where the reason is to be looked up.
enum class Source : std::uint8_t { Nobody, Probe, Ejection, Operator, Cluster };

struct Judgement {
  State state = State::Starting;
  Source source = Source::Nobody;
  Suspected suspected = Suspected::No;  ///< Only with UP: every other state says more.
  bool operator==(const Judgement&) const = default;
};

/// MAINT hides everything. Death by probe or ejection is not hidden by a drain; sickness is, which means the same to
/// sessions. The quorum outvotes our own probes, both ways: what we alone do not reach stays UP (or SICK), but
/// suspect. How a backend feels is not voted on among those that reach it. It does not outvote an ejection (what our
/// own clients met), and lets nobody in while our own first probes are out. Pure.
Judgement judge(const Evidence& evidence);

}  // namespace holdfast::health
