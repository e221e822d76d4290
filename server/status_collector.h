#pragma once

#include <string>
#include <vector>

#include "admin/latency_window.h"
#include "admin/view.h"
#include "base/time.h"
#include "conf/reader.h"
#include "server/access_log.h"
#include "server/backend_control.h"
#include "server/phase.h"
#include "server/reload.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/workers.h"

namespace holdfast::server {

/// Fills in what the admin listener shows: sums over the workers' counters, the monitor's reports, the session map.
/// Owned by AdminEndpoint, on the control loop; what it is given outlives it.
class StatusCollector final : public admin::StatusSource {
 public:
  struct Parts {
    const RunningConfig& config;
    const SessionControl& sessions;
    const Workers& workers;
    const BackendControl& backends;
    const Reload& reload;
    const AccessLog* access_log;  ///< nullptr: off.
    const Phase& phase;
    StartTime started;
  };
  explicit StatusCollector(const Parts& parts) : parts_(parts) { reload(); }

  // admin::StatusSource
  admin::StatusView status() const override;
  admin::StatusView states() const override;
  admin::BackendView backend(std::size_t pool, std::size_t backend) const override;
  admin::Readiness readiness() const override;
  admin::ClusterView cluster() const override {
    return parts_.backends.cluster().view(ClusterControl::Observations::Shown);
  }
  std::string configuration() const override { return conf::dump_settings(*parts_.config.settings); }

  /// Once a second: moves on what is shown of the last minute.
  void on_tick(base::Instant now);
  /// RunningConfig has changed.
  void reload();

 private:
  using Look = admin::BackendView (StatusCollector::*)(conf::BackendId) const;
  admin::StatusView view_with(Look look) const;
  admin::StatusView frame() const;
  admin::RedisView redis_view() const;
  admin::PoolView pool_status(const conf::Pool& pool) const;
  admin::BackendView backend_status(conf::BackendId id) const;
  admin::BackendView backend_state(conf::BackendId id) const;

  const Parts parts_;
  std::vector<admin::LatencyWindow> backend_windows_;  // by BackendId
  std::vector<admin::LatencyWindow> pool_windows_;     // by PoolId
  base::Instant windows_due_{};
};

}  // namespace holdfast::server
