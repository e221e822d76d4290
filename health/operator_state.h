#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace holdfast::health {

/// What an operator wants of a backend.
enum class OperatorState : std::uint8_t {
  Ready,
  Drain,  ///< No new sessions; those it has stay.
  Maint,  ///< Nobody is served there.
};

/// The words of the API, the record and holdfastctl.
constexpr std::string_view name_of(OperatorState state) {
  switch (state) {
    case OperatorState::Ready:
      return "ready";
    case OperatorState::Drain:
      return "drain";
    case OperatorState::Maint:
      return "maint";
  }
  return "ready";
}

constexpr std::optional<OperatorState> operator_state_named(std::string_view word) {
  for (const OperatorState state : {OperatorState::Ready, OperatorState::Drain, OperatorState::Maint}) {
    if (name_of(state) == word) return state;
  }
  return std::nullopt;
}

/// One order of an operator: what, who and when. A value; the later one counts.
struct OperatorOrder {
  OperatorState state = OperatorState::Ready;
  std::string by = {};  ///< For people: a name or an address.
  base::WallTime at{};
  std::optional<base::WallTime> deadline = {};  ///< Of a drain: from then on it is a maint.
  bool operator==(const OperatorOrder&) const = default;
};

}  // namespace holdfast::health
