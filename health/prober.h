#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/probe_outcome.h"
#include "health/probe_plan.h"

namespace holdfast::health {

/// Asks one backend, again and again, how it is: what all kinds of probes have in common (one at a time, how long each
/// took, whether this process slept through it).
///
/// Owned by BackendProbes; lives on the control loop. It does not decide when to ask, nor what the response means.
class Prober : public base::Buried {
 public:
  /// Once per begin(), never from inside it, unless cancel() comes first. It must not call begin() itself.
  using Done = std::function<void(const ProbeOutcome&)>;

  /// `probe` and `scheduler` outlive it.
  Prober(const conf::Probe& probe, base::Scheduler& scheduler, Done done);

  /// No probe may be under way.
  void begin(Connect how, Depth depth = Depth::Full);
  bool is_under_way() const { return is_under_way_; }
  /// Gives up the probe under way, if any, and every connection. Done does not come.
  void cancel();

 protected:
  const conf::Probe& probe() const { return probe_; }
  base::Scheduler& scheduler() { return scheduler_; }
  /// When the probe under way began: its timeout counts from here.
  base::Instant began() const { return began_; }

  /// Ends the probe under way.
  void finish(ProbeOutcome outcome);
  void fail(base::ErrorCode code, std::string detail, std::uint16_t status = 0);

 private:
  virtual void on_begin(Connect how, Depth depth) = 0;
  /// Let go of every connection.
  virtual void on_cancelled() = 0;

  bool slept_through_deadline() const;

  const conf::Probe& probe_;
  base::Scheduler& scheduler_;
  Done done_;
  bool is_under_way_ = false;
  base::Instant began_{};
};

/// A failure found this much after the probe's deadline says that this process did not run: it was stopped, or the
/// machine suspended. At least a second, at least the timeout itself.
base::Duration lateness_max(const conf::Probe& probe);

}  // namespace holdfast::health
