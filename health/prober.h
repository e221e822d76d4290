#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/probe_outcome.h"
#include "health/probe_plan.h"
#include "net/stream.h"

namespace holdfast::health {

/// Asks one backend, again and again, how it is: what all kinds of probes have in common (one at a time, a deadline
/// over everything, a dial).
///
/// Owned by a BackendWatch; lives on the control loop. It does not decide when to ask, nor what the response means.
class Prober : public base::Buried {
 public:
  /// Once per begin(), never from inside it, unless cancel() comes first. It must not call begin() itself.
  using Done = std::function<void(const ProbeOutcome&)>;

  /// `probe`, `scheduler` and `dialer` outlive it.
  Prober(const conf::Probe& probe, const net::Address& address, base::Scheduler& scheduler, net::Dialer& dialer,
         Done done);

  /// No probe may be under way.
  void begin(Connect how, Depth depth = Depth::Full);
  bool is_under_way() const { return is_under_way_; }
  /// Gives up the probe under way, if any, and every connection. Done does not come.
  void cancel();

 protected:
  const conf::Probe& probe() const { return probe_; }
  base::Scheduler& scheduler() { return scheduler_; }

  /// Connects within what is left of the deadline; then on_connected(), or the probe ends.
  void dial();
  /// Ends the probe under way.
  void finish(ProbeOutcome outcome);
  void fail(base::ErrorCode code, std::string detail);

 private:
  virtual void on_begin(Connect how, Depth depth) = 0;
  virtual void on_connected(std::unique_ptr<net::Stream> stream) = 0;
  /// Let go of every connection.
  virtual void on_cancelled() = 0;

  void on_dialled(base::Result<std::unique_ptr<net::Stream>> result);
  void on_deadline();
  bool slept_through_deadline() const;

  const conf::Probe& probe_;
  net::Address address_;
  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  Done done_;
  bool is_under_way_ = false;
  base::Instant began_{};
  std::unique_ptr<base::Timer> deadline_;
  std::unique_ptr<net::Dial> dial_;
};

/// A failure found this much after the probe's deadline says that this process did not run: it was stopped, or the
/// machine suspended. At least a second, at least the timeout itself.
base::Duration lateness_max(const conf::Probe& probe);

}  // namespace holdfast::health
