#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "conf/settings.h"

namespace holdfast::health {

enum class State : std::uint8_t { Starting, Up, Sick, Draining, Maint, Down };

constexpr std::string_view name_of(State state) {
  switch (state) {
    case State::Starting:
      return "STARTING";
    case State::Up:
      return "UP";
    case State::Sick:
      return "SICK";
    case State::Draining:
      return "DRAINING";
    case State::Maint:
      return "MAINT";
    case State::Down:
      return "DOWN";
  }
  return "DOWN";
}

/// May a session that is not bound yet be placed there?
constexpr bool may_take_new(State state) { return state == State::Up; }
/// May a session that is bound there stay?
constexpr bool may_keep(State state) { return state == State::Up || state == State::Sick || state == State::Draining; }

/// Why a session that was bound there has to go, in a word.
constexpr std::string_view reason_to_move(State state) {
  switch (state) {
    case State::Down:
      return "down";
    case State::Maint:
      return "maint";
    case State::Starting:
      return "starting";
    case State::Draining:
      return "draining";
    case State::Up:
    case State::Sick:
      break;
  }
  return "moved";
}

/// What the workers need to know of one backend.
struct Verdict {
  State state = State::Starting;
  bool suspect = false;      ///< Failed just now, not judged yet: bound sessions stay, new ones prefer others.
  base::Instant up_since{};  ///< For slow start; meaningful in state Up.
  bool slow_start = false;   ///< It came up after having been down, not at the proxy's own start.
  bool ends_long = false;    ///< What does not end by itself (tunnels, event streams) is to end now.
  bool silent = false;       ///< Out, and its probes get no response at all: what waits on it waits in vain.
};

/// One immutable picture of all backends, by BackendId; published to the workers on every change.
struct View {
  std::uint64_t version = 0;
  /// This proxy takes itself for cut off from the backends, while other proxies are not: it must move nobody.
  bool is_isolated = false;
  std::vector<Verdict> backends;
  const Verdict& of(conf::BackendId id) const { return backends[conf::index(id)]; }
};

}  // namespace holdfast::health
