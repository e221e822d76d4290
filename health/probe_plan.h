#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/time.h"
#include "conf/settings.h"
#include "health/rise_fall.h"

namespace holdfast::health {

enum class Pace : std::uint8_t {
  Steady,  ///< probe.interval, give or take the jitter.
  Fast,    ///< probe.fast_interval: a backend is suspect or changing.
};

enum class Connect : std::uint8_t { Reuse, Fresh };

/// When the next probe of one backend is due, and on which connection. Times count from the start of the last probe to
/// the start of the next. Pure. `probe` outlives it.
class ProbePlan {
 public:
  explicit ProbePlan(const conf::Probe& probe) : probe_(probe) {}

  /// The first probes after a start are spread over kFirstSpread, so that they do not come all at once.
  static base::Instant first(base::Instant now, base::Random& random);
  /// After the probe that began last.
  base::Instant next(base::Instant now, Pace pace, base::Random& random) const;
  /// A probe on demand: now, but not sooner than a fast interval or kDemandGap after the one before, so that a stream
  /// of failing requests does not become a stream of probes.
  base::Instant on_demand(base::Instant now) const;

  void on_begun(base::Instant now);
  void on_ended(ProbeResult result);
  /// The result said nothing: whatever connection was used is not to be trusted.
  void on_discarded() { after_failure_ = true; }
  /// Each `fresh_every`-th probe, and each one after a failure, connects afresh. With fresh_every 0 only the latter.
  Connect connect() const;

  static constexpr base::Duration kFirstSpread = std::chrono::milliseconds{100};
  static constexpr base::Duration kDemandGap = std::chrono::milliseconds{50};

 private:
  const conf::Probe& probe_;
  bool has_begun_ = false;
  base::Instant began_{};
  std::uint64_t begun_ = 0;  // probes so far
  bool after_failure_ = false;
};

}  // namespace holdfast::health
