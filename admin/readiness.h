#pragma once

#include <string>

namespace holdfast::admin {

/// Should someone in front of this proxy send it traffic?
struct Readiness {
  bool ready = false;
  std::string reason = "starting";  ///< In words; empty when ready.
};

/// What readiness depends on. A pool without a serving backend is not among it: every proxy sees that alike, and
/// taking all of them out would only replace our maintenance page by a dead address. Being cut off is: the others are
/// not.
struct ReadinessFacts {
  bool stopping = false;
  bool listeners_open = false;
  std::string cut_off;        ///< Why this proxy takes itself for cut off, in words; empty: it does not.
  std::string unprobed_pool;  ///< A pool whose first round of probes is not done; empty: all are.
};

inline Readiness readiness_of(const ReadinessFacts& facts) {
  if (facts.stopping) return {.ready = false, .reason = "stopping"};
  if (!facts.listeners_open) return {.ready = false, .reason = "starting: the listeners are not open yet"};
  if (!facts.unprobed_pool.empty()) {
    return {.ready = false, .reason = "starting: the first probes of pool " + facts.unprobed_pool + " are not done"};
  }
  if (!facts.cut_off.empty()) return {.ready = false, .reason = facts.cut_off};
  return {.ready = true, .reason = {}};
}

}  // namespace holdfast::admin
