#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/backend_events.h"
#include "health/backend_probes.h"
#include "health/backend_reasons.h"
#include "health/backend_state.h"
#include "health/outlier.h"
#include "health/probe_stats.h"
#include "health/report.h"
#include "health/rise_fall.h"
#include "health/suspicion.h"
#include "health/verdict.h"

namespace holdfast::health {

/// Watches one backend: brings what its probes, real requests, operators and other proxies say to those who decide,
/// and tells its owner what changed.
///
/// Owned by a Monitor; lives on the control loop. It decides nothing itself: rise_fall, outlier, suspicion and verdict
/// say how the backend is, backend_probes when to look, backend_events what is worth telling. It knows its own pool
/// only, so a watch that lives through many reloads holds no old configuration. References given to it outlive it.
class BackendWatch final : private BackendProbes::Owner {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Does the pool allow one more ejection?
    virtual bool may_eject(conf::BackendId backend) = 0;
    /// The verdict or the ejection is another one now.
    virtual void on_changed(const BackendWatch& watch) = 0;
    virtual void on_event(const Event& event) = 0;
    /// What this proxy itself sees is another thing now: the first failure, failing, the first good probe again,
    /// passing.
    virtual void on_observation(conf::BackendId backend) = 0;
    /// A probe that counts, begun then, ended like this.
    virtual void on_probed(conf::BackendId backend, Reason reason, base::Instant began) = 0;
  };

  struct Parts {
    base::Scheduler& scheduler;
    net::Dialer& dialer;
    base::Random& random;
    Owner& owner;
  };

  /// What it watches, and how. `backend` and `address` are needed during the call only.
  struct Target {
    std::shared_ptr<const conf::Pool> pool;
    const conf::Backend& backend;
    const net::Address& address;
  };

  BackendWatch(const Parts& parts, const Target& target);

  void start();
  /// The same backend by other settings: all that is known and counted stays, the state until the new probes have
  /// something to say. Not from inside a probe.
  void reconfigure(const Target& target);
  /// Ends all probing for good; the last verdict stays.
  void stop();
  /// A real request failed; `in_a_row` is how many did, with no success between them, as its worker counts.
  void on_passive_failure(base::ErrorCode code, std::uint32_t in_a_row);
  void on_passive_success();
  /// Requests are in flight, and no response has come for `lasted`. Suspect at once, probed at once; logged only when
  /// the probe fails: slow is not hung.
  void on_silence(base::Duration lasted);

  void set_order(const OperatorOrder& order);
  void end_long();
  /// `words` say it for people.
  void set_quorum(Quorum quorum, std::string_view words);
  void set_share(const Share& share);
  /// Somebody else has seen something: probe now, whoever's turn it is. What comes of it is told by on_observation(),
  /// be it news or not.
  void look_now();

  conf::BackendId id() const { return id_; }
  const OperatorOrder& order() const { return order_; }
  const Verdict& verdict() const { return state_.verdict(); }
  bool is_ejected() const { return outlier_.is_ejected(); }
  Condition condition() const;
  Report report() const;
  OwnObservation own_observation() const;

 private:
  void on_due() override;
  void on_probe_done(const ProbeOutcome& outcome) override;
  void count(const ProbeOutcome& outcome);
  void note_runs(ProbeResult result);

  void judge_again();
  void enter(const Judgement& next);
  Evidence evidence() const;
  bool is_overdue() const;
  Reason reason() const;
  BackendEvents::Facts facts() const;

  void probe_on_demand();
  void schedule_next();
  Pace pace() const;
  bool disagrees() const;

  std::shared_ptr<const conf::Pool> pool_;
  const conf::BackendId id_;
  base::Scheduler& scheduler_;
  Owner& owner_;
  BackendProbes probes_;

  RiseFall rise_fall_;
  std::optional<base::Instant> counted_began_;   // of the last probe that counted
  std::optional<base::Instant> failing_since_;   // the first of the probes that failed in a row
  std::optional<base::Instant> starting_since_;  // the app says so
  Outlier outlier_;
  Suspicion suspicion_;
  Quorum quorum_ = Quorum::None;
  OperatorOrder order_;

  BackendState state_;
  BackendReasons reasons_;
  BackendEvents events_;
  ProbeStats stats_;
  bool is_started_ = false;
  bool is_asked_ = false;  // by somebody else, what we see
};

}  // namespace holdfast::health
