#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "health/reason.h"

namespace holdfast::health {

/// Does a probe's result say anything about the backend?
enum class Validity : std::uint8_t {
  Counts,
  Discarded,  ///< This process slept through it, or had no descriptor for it: probe again.
};

/// What one probe came to.
struct ProbeOutcome {
  Reason reason = Reason::None;  ///< None: passed.
  std::uint16_t status = 0;      ///< Of an HTTP response; 0: none came.
  std::string detail;            ///< For people; bounded (reason.h).
  base::Duration took{};
  Validity validity = Validity::Counts;

  bool passed() const { return reason == Reason::None; }
  ProbeResult result() const { return result_of(reason); }
};

/// What is remembered of a probe, for the bars of the status page.
struct ProbeRecord {
  base::WallTime at{};
  base::Duration took{};
  Reason reason = Reason::None;
  std::uint16_t status = 0;
  std::string detail = {};  ///< Of one that did not pass: what was found.
};

}  // namespace holdfast::health
