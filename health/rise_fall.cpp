#include "health/rise_fall.h"

#include <algorithm>

namespace holdfast::health {

RiseFall::RiseFall(std::uint32_t rise, std::uint32_t fall) : rise_(std::max(1u, rise)), fall_(std::max(1u, fall)) {}

void RiseFall::record(ProbeResult result) {
  if (result == ProbeResult::Passed) {
    ++passed_in_a_row_;
    failed_in_a_row_ = 0;
    if (state_ == ProbeState::Starting || passed_in_a_row_ >= rise_) state_ = ProbeState::Passing;
  } else {
    ++failed_in_a_row_;
    passed_in_a_row_ = 0;
    if (failed_in_a_row_ >= fall_) state_ = ProbeState::Failing;
  }
}

bool RiseFall::is_changing() const {
  switch (state_) {
    case ProbeState::Starting:
      return true;
    case ProbeState::Passing:
      return failed_in_a_row_ > 0;
    case ProbeState::Failing:
      return passed_in_a_row_ > 0;
  }
  return false;
}

}  // namespace holdfast::health
