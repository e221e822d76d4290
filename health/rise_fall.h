#pragma once

#include <cstdint>

namespace holdfast::health {

/// What the probes alone say of a backend.
enum class ProbeState : std::uint8_t { Starting, Passing, Failing };

enum class ProbeResult : std::uint8_t { Passed, Failed };

/// Counts probes in a row, so that one blip changes nothing.
///
/// Starting -> Passing with the first good probe: at the proxy's own start nobody shall wait for `rise` rounds.
/// Starting -> Failing and Passing -> Failing after `fall` bad ones in a row; Failing -> Passing after `rise` good
/// ones. A zero counts as one. Pure.
class RiseFall {
 public:
  RiseFall(std::uint32_t rise, std::uint32_t fall);

  void record(ProbeResult result);
  /// Begins with what is known already.
  void assume(ProbeState state) { state_ = state; }

  ProbeState state() const { return state_; }
  std::uint32_t passed_in_a_row() const { return passed_in_a_row_; }
  std::uint32_t failed_in_a_row() const { return failed_in_a_row_; }
  /// The last probe contradicts the state, or there is none yet: the next ones decide, so they should come soon.
  bool is_changing() const;

 private:
  std::uint32_t rise_;
  std::uint32_t fall_;
  ProbeState state_ = ProbeState::Starting;
  std::uint32_t passed_in_a_row_ = 0;
  std::uint32_t failed_in_a_row_ = 0;
};

}  // namespace holdfast::health
