#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "conf/settings.h"
#include "health/rise_fall.h"

namespace holdfast::health {

enum class Pace : std::uint8_t {
  Steady,  ///< probe.interval, give or take the jitter.
  Fast,    ///< probe.fast_interval: a backend is suspect or changing.
  Shared,  ///< Our turns of the steady probes that several proxies divide among themselves.
};

/// Which part of the steady probes is ours: of every `count` probes of a backend one, at another time than the others'.
struct Share {
  std::uint32_t index = 0;  ///< Among the live proxies, the same order everywhere.
  std::uint32_t count = 1;  ///< 1: all of them are ours.
  base::Instant epoch{};    ///< The same moment on all proxies: intervals are counted from it.
  bool operator==(const Share&) const = default;
};

enum class Connect : std::uint8_t { Reuse, Fresh };

/// How much to ask: probes that have a costly part ask it each k-th time only, while all is well.
enum class Depth : std::uint8_t { Brief, Full };

/// When the next probe of one backend is due, and on which connection. Times count from the start of the last probe to
/// the start of the next. Pure. `probe` outlives it.
class ProbePlan {
 public:
  explicit ProbePlan(const conf::Probe& probe) : probe_(&probe) {}

  /// From now on by these settings.
  void configure(const conf::Probe& probe) { probe_ = &probe; }

  /// The first probes after a start are spread over kFirstSpread, so that they do not come all at once.
  static base::Instant first(base::Instant now, base::Random& random);
  /// After the probe that began last.
  base::Instant next(base::Instant now, Pace pace, base::Random& random) const;
  /// Our next turn (Pace::Shared): time is cut into intervals, and with each interval the turn passes to the next
  /// proxy. `backend` is turn_of() its name: it staggers the backends, and lets each begin with another proxy. The same
  /// on all proxies, which need nothing else to agree: one probe an interval, whoever sends it.
  base::Instant next_shared(base::Instant now, const Share& share, std::uint64_t backend, base::Random& random) const;
  /// A probe on demand: now, but not sooner than a fast interval or kDemandGap after the one before, so that a stream
  /// of failing requests does not become a stream of probes.
  base::Instant on_demand(base::Instant now) const;

  void on_begun(base::Instant now);
  void on_ended(ProbeResult result);
  /// The result said nothing: whatever connection was used is not to be trusted.
  void on_discarded() { after_failure_ = true; }
  /// Each `fresh_every`-th probe, and each one after a failure, connects afresh. With fresh_every 0 only the latter.
  Connect connect() const;
  /// The first probe is full, then each `health_every`-th; and all of them while it `matters`.
  Depth depth(bool matters) const;

  static constexpr base::Duration kFirstSpread = std::chrono::milliseconds{100};
  static constexpr base::Duration kDemandGap = std::chrono::milliseconds{50};
  /// Of the interval, either way: more would mix up the turns.
  static constexpr std::uint32_t kSharedJitterPercentMax = 20;

 private:
  base::Duration jitter(std::uint32_t percent, base::Random& random) const;

  const conf::Probe* probe_;
  bool has_begun_ = false;
  base::Instant began_{};
  std::uint64_t begun_ = 0;  // probes so far
  bool after_failure_ = false;
};

/// A number that stands for "pool/backend": the same in every process.
std::uint64_t turn_of(std::string_view name);

}  // namespace holdfast::health
