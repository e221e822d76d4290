#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/scheduler.h"
#include "health/make_prober.h"
#include "health/probe_plan.h"

namespace holdfast::health {

/// The probes of one backend: its prober, and when the next one begins. It judges nothing.
///
/// Without probes (type "none") its timer is there all the same, for what else has to happen at some time. Owned by a
/// BackendWatch; lives on the control loop. All references outlive it.
class BackendProbes {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// The time that was set has come: begin(), or whatever it was set for.
    virtual void on_due() = 0;
    /// Once for each begin(). After one that was discarded the next is set already.
    virtual void on_probe_done(const ProbeOutcome& outcome) = 0;
  };
  struct Parts {
    base::Scheduler& scheduler;
    net::Dialer& dialer;
    base::Random& random;
    Owner& owner;
  };

  /// `turn` is turn_of() the backend's name. `target.probe` outlives it, or its next configure().
  BackendProbes(const Parts& parts, std::uint64_t turn, const ProbeTarget& target);

  bool exist() const { return prober_ != nullptr; }
  bool are_under_way() const { return exist() && prober_->is_under_way(); }
  /// When the last one began.
  base::Instant began() const { return began_; }
  /// The probe under way may have passed before this call: another one follows at once.
  bool is_another_wanted() const { return is_another_wanted_; }

  /// The first one, soon.
  void start();
  /// What is under way is given up, and nothing is set. Not from inside a probe.
  void configure(const ProbeTarget& target);
  void stop();
  /// True: that is another share.
  bool set_share(const Share& share);
  bool are_shared() const { return share_.count > 1; }

  /// Now. `matters`: with all that it may ask.
  void begin(bool matters);
  /// As soon as may be; again, where one is under way.
  void begin_soon();
  /// The next one by `pace`, but no later than `latest`.
  void set_next(Pace pace, std::optional<base::Instant> latest);
  /// Without probes: calls the owner's on_due() then.
  void set_due(base::Instant due) { timer_->set(due); }

 private:
  void on_done(const ProbeOutcome& outcome);
  std::unique_ptr<Prober> prober_for(const ProbeTarget& target);

  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  base::Random& random_;
  Owner& owner_;
  const std::uint64_t turn_;
  const conf::Probe* probe_;  // never null
  ProbePlan plan_;
  Share share_;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<base::Timer> timer_;
  base::Instant began_{};
  bool is_another_wanted_ = false;
};

}  // namespace holdfast::health
