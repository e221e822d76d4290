#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"
#include "health/monitor.h"
#include "net/address.h"
#include "net/stream.h"
#include "server/cluster_control.h"
#include "server/drains.h"
#include "server/failover_watch.h"
#include "server/limit_watch.h"
#include "server/ordered_moves.h"
#include "server/phase.h"
#include "server/quarantine_control.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/silence_watch.h"
#include "server/workers.h"

namespace holdfast::server {

/// All that watches backends and decides what becomes of them, and how these parts are tied to each other: probes,
/// the other proxies and operators, drains, quarantine, limits.
///
/// Owned by Server, on the control loop; what it is given outlives it.
class BackendControl final : private health::Monitor::Listener,
                             private QuarantineControl::Owner,
                             public Workers::Listener {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// A verdict has changed. The first view comes from inside start().
    virtual void on_view(std::shared_ptr<const health::View> view) = 0;
  };
  struct Parts {
    const RunningConfig& config;
    base::Scheduler& scheduler;
    net::Dialer& dialer;
    redis::RedisHub* hub;  ///< nullptr without [redis].
    base::Random& random;
    SessionControl& sessions;
    Workers& workers;
    Owner& owner;
    StartTime drains_since;  ///< Sessions from before it are unknown; wall 0: there are none.
  };
  /// `addresses` are the backends' own, by BackendId.
  BackendControl(const Parts& parts, const std::vector<net::Address>& addresses);

  /// Who acts on operators' orders, and is one of the proxies.
  enum class Acting : std::uint8_t { OldProcess, ThisProcess, NewProcess };
  void start(Acting acting);
  /// The old process of an upgrade has stopped acting: now we do.
  void begin();
  /// Once a second.
  void on_tick(Acting acting);
  /// RunningConfig has changed.
  void reload(const std::vector<net::Address>& addresses);
  /// Tells the other proxies that we leave: they need not wait for our lease to end.
  void leave() { cluster_.leave(); }
  /// Ends all probing for good.
  void stop() { monitor_.stop(); }

  health::Monitor& monitor() { return monitor_; }
  const health::Monitor& monitor() const { return monitor_; }
  ClusterControl& cluster() { return cluster_; }
  const ClusterControl& cluster() const { return cluster_; }
  const Drains& drains() const { return drains_; }
  QuarantineControl& quarantine() { return quarantine_; }
  const QuarantineControl& quarantine() const { return quarantine_; }
  const FailoverWatch& failovers() const { return failovers_; }
  OrderedMoves& ordered_moves() { return ordered_moves_; }
  const OrderedMoves& ordered_moves() const { return ordered_moves_; }
  /// The view that the workers use. Not before start().
  const health::View& view() const { return *view_; }

 private:
  // health::Monitor::Listener
  void on_view(std::shared_ptr<const health::View> view) override;
  void on_event(const health::Event& event) override;
  void on_observation(conf::BackendId backend) override { cluster_.on_observation(backend); }
  void on_probed(conf::BackendId backend, health::Reason reason, base::Instant began) override {
    quarantine_.on_probed(backend, reason, began);
  }

  // QuarantineControl::Owner
  bool is_ordered(conf::BackendId backend) const override;
  void on_quarantine(std::shared_ptr<const proxy::QuarantineView> view) override;

  // Workers::Listener
  void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) override {
    monitor_.on_passive_failure(backend, error, in_a_row);
  }
  void on_backend_success(conf::BackendId backend) override { monitor_.on_passive_success(backend); }
  void on_request_lost(const proxy::LostRequest& lost) override { quarantine_.on_lost(lost); }
  void on_suspect_answered(const proxy::Fingerprint& fingerprint) override { quarantine_.on_answered(fingerprint); }

  void forget_failures(const health::View& view);
  void watch_failovers();
  FailoverWatch::Numbers numbers_of(conf::BackendId backend);
  bool is_well(conf::BackendId backend) const;

  const Parts parts_;
  health::Monitor monitor_;
  ClusterControl cluster_;
  OrderedMoves ordered_moves_;
  Drains drains_;
  QuarantineControl quarantine_;
  SilenceWatch silence_;
  FailoverWatch failovers_;
  LimitWatch limits_;
  std::shared_ptr<const health::View> view_;
};

}  // namespace holdfast::server
