#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/outlier.h"
#include "health/probe_plan.h"
#include "health/prober.h"
#include "health/report.h"
#include "health/rise_fall.h"
#include "health/verdict.h"
#include "health/view.h"
#include "net/stream.h"

namespace holdfast::health {

/// Watches one backend: asks the plan when to probe, lets the deciders judge, tells its owner what changed.
///
/// Owned by a Monitor; lives on the control loop. It decides nothing itself: rise_fall, outlier, verdict and probe_plan
/// do. It knows its own pool only, so a watch that lives through many reloads holds no old configuration. References
/// given to it outlive it.
class BackendWatch {
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

  /// What it watches, and how. `backend` is needed during the call only.
  struct Target {
    std::shared_ptr<const conf::Pool> pool;
    const conf::Backend& backend;
    const net::Address& address;
  };

  BackendWatch(const Parts& parts, const Target& target);
  BackendWatch(const BackendWatch&) = delete;
  BackendWatch& operator=(const BackendWatch&) = delete;

  void start();
  /// The same backend by other settings: all that is known and counted stays, the state until the new probes have
  /// something to say. Not from inside a probe.
  void reconfigure(const Target& target);
  /// Ends all probing for good; the last verdict stays.
  void stop();
  /// A real request failed; `in_a_row` is how many did, with no success between them, as its worker counts.
  void on_passive_failure(base::ErrorCode code, std::uint32_t in_a_row);
  void on_passive_success();
  /// Requests are in flight, and for so long none has been answered. Suspect at once, probed at once; said only when
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
  const Verdict& verdict() const { return verdict_; }
  bool is_ejected() const { return outlier_.is_ejected(); }
  Condition condition() const;
  Report report() const;
  OwnObservation own_observation() const;

  /// Suspicions that come and go are told no more often than this.
  static constexpr base::Duration kSuspicionSaidEvery = std::chrono::seconds{10};

 private:
  bool is_probed() const { return prober_ != nullptr; }
  std::unique_ptr<Prober> make_prober(const Target& target);
  void on_timer();
  void on_probe_done(const ProbeOutcome& outcome);
  void count(const ProbeOutcome& outcome);
  void eject(base::ErrorCode code, std::uint32_t in_a_row);
  void note_trouble();
  void clear_suspicion_if_answered(const ProbeOutcome& outcome);
  void report_silence();

  bool is_overdue() const;
  void judge_again();
  void enter(const Judgement& next);
  void report_change(const Judgement& before);
  bool is_worth_reporting(base::Instant now);
  Reason reason() const;
  const std::string& detail() const;

  void probe_on_demand();
  void schedule_next();
  Pace pace() const;
  bool disagrees() const;

  std::shared_ptr<const conf::Pool> pool_;
  const conf::BackendId id_;
  const std::uint64_t turn_;
  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  base::Random& random_;
  Owner& owner_;

  RiseFall rise_fall_;
  Outlier outlier_;
  ProbePlan plan_;
  std::unique_ptr<Prober> prober_;      // none with probe type "none"
  std::unique_ptr<base::Timer> timer_;  // the next probe; without probes the end of an ejection or a suspicion
  bool is_started_ = false;
  bool is_asked_ = false;         // by somebody else, what we see
  bool is_probe_wanted_ = false;  // asked for while one was under way, which may have been answered before the trouble
  base::Instant probe_began_{};
  std::optional<base::Instant> counted_began_;  // of the last probe that counted
  std::optional<base::Instant> failing_since_;
  std::optional<base::Instant> starting_since_;  // the app says so
  Share share_;

  base::Instant suspect_since_{};
  base::ErrorCode suspect_code_ = base::ErrorCode::Io;
  bool is_suspect_ = false;  // by a real request
  bool is_silence_ = false;  // suspect by requests that get no response, and no probe has confirmed it
  base::Duration silence_lasted_{};
  Quorum quorum_ = Quorum::None;
  bool was_down_ = false;
  Reason failure_ = Reason::NotProbedYet;  // of the last failed probe
  Judgement judgement_;
  std::optional<base::Instant> trouble_since_;  // first sign of what is going on now; none while all is well
  std::optional<base::Instant> out_since_;      // not UP since

  std::optional<base::Instant> suspicion_said_;

  OperatorOrder order_;
  std::string order_detail_;
  std::string quorum_detail_;

  Verdict verdict_;
  std::string failure_detail_;
  std::string ejection_detail_;
  base::WallTime state_since_{};

  std::uint64_t passed_total_ = 0;
  std::uint64_t failed_total_ = 0;
  std::uint64_t discarded_total_ = 0;
  std::optional<ProbeRecord> last_probe_;
  std::string last_detail_;
  ProbeHistory history_;
  base::Duration took_total_{};
};

}  // namespace holdfast::health
