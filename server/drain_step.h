#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace holdfast::server {

/// A backend that operators have taken out, at one moment.
struct DrainFacts {
  enum class Stage : std::uint8_t {
    Draining,  ///< No new sessions; those it has stay.
    Overdue,   ///< The drain's deadline has passed: a maintenance that has to get rid of its sessions.
    Maint,     ///< A maintenance from the beginning: its sessions move one by one, with their requests.
  };
  Stage stage = Stage::Draining;
  base::Duration overdue{};  ///< For how long.
  bool is_sticky = true;
  bool is_movable = true;                     ///< Its pool's sessions move (not "temporary", not "refuse").
  std::uint64_t sessions = 0;                 ///< Bound to it.
  bool is_counted = true;                     ///< There are no others.
  bool may_move = true;                       ///< It is ours to do, and another backend takes them.
  bool is_moving = false;                     ///< It is being done.
  std::optional<std::uint64_t> requests = 0;  ///< Under way there, by way of all proxies; nullopt: not known.
};

/// What is to be done now.
struct DrainStep {
  bool moves = false;      ///< All its sessions, to the others of its pool.
  bool ends_long = false;  ///< Tunnels and event streams end: their clients come back elsewhere.
  bool is_over = false;    ///< Nothing is left there.
  bool operator==(const DrainStep&) const = default;
};

/// How long after a deadline tunnels and event streams stay: the sessions of their clients move first.
inline constexpr base::Duration kLongStays = std::chrono::seconds{2};

/// Pure.
DrainStep drain_step(const DrainFacts& facts);

}  // namespace holdfast::server
