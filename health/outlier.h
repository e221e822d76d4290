#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "conf/settings.h"
#include "health/probe_outcome.h"
#include "health/rise_fall.h"

namespace holdfast::health {

/// Of one pool, when somebody is about to be ejected.
struct PoolCount {
  std::uint32_t backends = 0;
  std::uint32_t ejected = 0;
  std::uint32_t serving = 0;  ///< May take new sessions now; the candidate included.
};

/// May one more backend be ejected? Never the last one that serves: an app that fails sometimes is better than no app.
/// Otherwise up to `percent_max` of the pool, and one in any case, unless percent_max is 0 (nobody, ever).
bool may_eject(const PoolCount& pool, std::uint32_t percent_max);

/// Takes one backend out for a while when real requests keep failing on it.
///
/// The n-th ejection lasts n * passive.eject, at most passive.eject_max. n shrinks by one for each further time of the
/// last ejection's length without an ejection.
///
/// An ejection overrules the probes only where they are blind. It ends
///  - with the first probe begun after its time that gets a response, sick or well (without probes: at its time), or
///  - early, with `rise` such probes in a row, if the backend was seen to be gone: refused or unreachable, by a request
///    or by a probe, or found failing by the probes themselves. So a killed and restarted app is back at once, while
///    one that passes probes and resets requests stays out for the whole time.
/// Pure. `passive` outlives it.
class Outlier {
 public:
  Outlier(const conf::Passive& passive, std::uint32_t rise) { configure(passive, rise); }

  /// From now on by these settings; an ejection under way keeps its time.
  void configure(const conf::Passive& passive, std::uint32_t rise);

  /// Have real requests failed often enough? The pool's word (may_eject) is still to be asked.
  bool wants_ejection(std::uint32_t failures_in_a_row) const;
  void eject(base::Instant now, base::ErrorCode cause);

  /// A request that failed while the backend was out already (it had been sent before).
  void on_late_failure(base::ErrorCode code);
  /// `state` is what the probes say with this result counted, `began` when the probe was started.
  void on_probe(Reason reason, ProbeState state, base::Instant began, base::Instant now);
  /// For a backend without probes.
  void on_time(base::Instant now);

  bool is_ejected() const { return is_ejected_; }
  /// The backend was gone at some time of this ejection: a few good probes bring it back.
  bool is_gone() const { return is_gone_; }
  /// When the ejection's time is over. Meaningful while ejected.
  base::Instant until() const { return until_; }
  std::uint32_t ejections_total() const { return ejections_total_; }

 private:
  void release(base::Instant now);

  const conf::Passive* passive_ = nullptr;  // never null
  std::uint32_t rise_ = 1;
  bool is_ejected_ = false;
  bool is_gone_ = false;
  std::uint32_t answered_ = 0;  // probes in a row during this ejection
  std::uint32_t severity_ = 0;  // the n of the n-th ejection
  std::uint32_t ejections_total_ = 0;
  base::Duration length_{};  // of the last ejection
  base::Instant until_{};
  base::Instant released_{};
};

}  // namespace holdfast::health
