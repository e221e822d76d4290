#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::health {

/// What the probes alone say of a backend.
enum class ProbeState : std::uint8_t {
  Starting,  ///< No good probe yet, or the app itself reports that it is starting.
  Passing,
  Sick,  ///< It responds, and reports that it is not well; or that our questions are wrong.
  Failing,
};

constexpr std::string_view name_of(ProbeState state) {
  switch (state) {
    case ProbeState::Starting:
      return "starting";
    case ProbeState::Passing:
      return "passing";
    case ProbeState::Sick:
      return "sick";
    case ProbeState::Failing:
      return "failing";
  }
  return "starting";
}

enum class ProbeResult : std::uint8_t { Passed, Sick, Starting, Failed };

/// Counts probes in a row, so that one blip changes nothing.
///
/// From Starting the first probe with a response decides (Passing, Sick): at the proxy's own start nobody must wait
/// for `rise` rounds; only failures need `fall`. After that a state is left for a better one after `rise` probes in a
/// row that are better, and for a worse one after `fall` that are worse. An app that says "starting" is not dead: from
/// Failing it is Starting at once. A zero counts as one. Pure.
class RiseFall {
 public:
  RiseFall(std::uint32_t rise, std::uint32_t fall) { configure(rise, fall); }

  /// From now on by these numbers; what has been counted stays.
  void configure(std::uint32_t rise, std::uint32_t fall);
  void record(ProbeResult result);
  /// Begins with what is known already.
  void assume(ProbeState state) { state_ = state; }

  ProbeState state() const { return state_; }
  std::uint32_t passed_in_a_row() const { return passed_in_a_row_; }
  /// Failed; or "starting" from an app that had been running.
  std::uint32_t failed_in_a_row() const { return failed_in_a_row_; }
  std::uint32_t sick_in_a_row() const { return sick_in_a_row_; }
  /// The last probe contradicts the state, or there is none that was understood yet: the next ones decide, so they
  /// should come soon.
  bool is_changing() const;

 private:
  void count(ProbeResult result);
  ProbeState next(ProbeResult result) const;

  std::uint32_t rise_ = 1;
  std::uint32_t fall_ = 1;
  ProbeState state_ = ProbeState::Starting;
  bool reports_starting_ = false;  // the last one
  std::uint32_t passed_in_a_row_ = 0;
  std::uint32_t failed_in_a_row_ = 0;
  std::uint32_t sick_in_a_row_ = 0;
  std::uint32_t answered_in_a_row_ = 0;  // passed or sick
};

}  // namespace holdfast::health
