#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "health/view.h"

namespace holdfast::health {

/// What a pool can do for a new session.
enum class PoolState : std::uint8_t {
  Unknown,   ///< The first probes are out.
  Serving,   ///< Somebody is UP.
  FailOpen,  ///< Nobody is UP, but some are SICK: these serve anyway, which is better than an empty pool.
  Closed,    ///< Nobody may serve it.
};

constexpr std::string_view name_of(PoolState state) {
  switch (state) {
    case PoolState::Unknown:
      return "starting";
    case PoolState::Serving:
      return "serving";
    case PoolState::FailOpen:
      return "fail_open";
    case PoolState::Closed:
      return "closed";
  }
  return "closed";
}

/// The backends of a pool by their states; those that never take new sessions (weight 0) are left out.
class PoolTally {
 public:
  void enter(State state) { ++number(state); }
  void leave(State state) { --number(state); }
  constexpr std::uint32_t of(State state) const { return numbers_[static_cast<std::size_t>(state)]; }
  constexpr std::uint32_t all() const {
    std::uint32_t sum = 0;
    for (const std::uint32_t each : numbers_) sum += each;
    return sum;
  }

 private:
  std::uint32_t& number(State state) { return numbers_[static_cast<std::size_t>(state)]; }
  std::array<std::uint32_t, 6> numbers_{};
};

/// A pool whose first backends say that they are starting is not closed yet. Pure.
constexpr PoolState judge(const PoolTally& tally, PoolState before) {
  if (tally.of(State::Up) > 0) return PoolState::Serving;
  if (before == PoolState::Unknown && tally.of(State::Starting) > 0) return PoolState::Unknown;
  return tally.of(State::Sick) > 0 ? PoolState::FailOpen : PoolState::Closed;
}

/// Operators have taken all of it out: no reason for an alarm.
constexpr bool is_on_purpose(const PoolTally& tally) {
  return tally.of(State::Maint) + tally.of(State::Draining) == tally.all();
}

}  // namespace holdfast::health
