#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"
#include "conf/settings.h"
#include "server/full_watch.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/workers.h"

namespace holdfast::server {

/// Finds out which backends have as many sessions as they may, for the balancers, and which pools turn new users away,
/// for people. Owned by BackendControl, on the control loop; what it is given outlives it.
class LimitWatch {
 public:
  LimitWatch(const RunningConfig& config, const SessionControl& sessions, Workers& workers)
      : config_(config), sessions_(sessions), workers_(workers) {}

  /// Once a second.
  void on_tick(base::Instant now);

 private:
  void watch_pool(const conf::Pool& pool, base::Instant now);
  std::uint64_t refused(conf::PoolId pool) const;

  const RunningConfig& config_;
  const SessionControl& sessions_;
  Workers& workers_;
  std::map<std::string, FullWatch> pools_;  // by name, where they have limits
};

}  // namespace holdfast::server
