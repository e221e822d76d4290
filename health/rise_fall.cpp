#include "health/rise_fall.h"

#include <algorithm>

namespace holdfast::health {

void RiseFall::configure(std::uint32_t rise, std::uint32_t fall) {
  rise_ = std::max(1u, rise);
  fall_ = std::max(1u, fall);
}

void RiseFall::record(ProbeResult result) {
  count(result);
  state_ = next(result);
  if (reports_starting_ && state_ == ProbeState::Starting) failed_in_a_row_ = 0;
}

void RiseFall::count(ProbeResult result) {
  const auto run = [](std::uint32_t& number, bool goes_on) { number = goes_on ? number + 1 : 0; };
  reports_starting_ = result == ProbeResult::Starting;
  run(passed_in_a_row_, result == ProbeResult::Passed);
  run(sick_in_a_row_, result == ProbeResult::Sick);
  run(answered_in_a_row_, result == ProbeResult::Passed || result == ProbeResult::Sick);
  run(failed_in_a_row_, result == ProbeResult::Failed || result == ProbeResult::Starting);
}

ProbeState RiseFall::next(ProbeResult result) const {
  const bool is_known = state_ == ProbeState::Passing || state_ == ProbeState::Sick;
  switch (result) {
    case ProbeResult::Passed:
      if (state_ == ProbeState::Starting || passed_in_a_row_ >= rise_) return ProbeState::Passing;
      return state_ == ProbeState::Failing && answered_in_a_row_ >= rise_ ? ProbeState::Sick : state_;
    case ProbeResult::Sick:
      if (state_ == ProbeState::Starting) return ProbeState::Sick;
      if (state_ == ProbeState::Passing) return sick_in_a_row_ >= fall_ ? ProbeState::Sick : state_;
      return answered_in_a_row_ >= rise_ ? ProbeState::Sick : state_;
    case ProbeResult::Starting:
      return is_known && failed_in_a_row_ < fall_ ? state_ : ProbeState::Starting;
    case ProbeResult::Failed:
      return failed_in_a_row_ >= fall_ ? ProbeState::Failing : state_;
  }
  return state_;
}

bool RiseFall::is_changing() const {
  switch (state_) {
    case ProbeState::Starting:
      return !reports_starting_;  // it says itself that it takes a while
    case ProbeState::Passing:
      return passed_in_a_row_ == 0;
    case ProbeState::Sick:
      return sick_in_a_row_ == 0;
    case ProbeState::Failing:
      return failed_in_a_row_ == 0;
  }
  return false;
}

}  // namespace holdfast::health
