#pragma once

#include <memory>
#include <vector>

#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "health/silence.h"
#include "server/workers.h"

namespace holdfast::server {

/// Looks some times a second at what backends are doing, and tells the Monitor of those that have requests in flight
/// and answer none. Requests pay nothing for it. Owned by BackendControl, on the control loop; what it is given
/// outlives it.
class SilenceWatch {
 public:
  SilenceWatch(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler, const Workers& workers,
               health::Monitor& monitor);

  void reload(std::shared_ptr<const conf::Settings> settings);

 private:
  void look();
  std::uint64_t responses_of(conf::BackendId id) const;

  std::shared_ptr<const conf::Settings> settings_;
  base::Scheduler& scheduler_;
  const Workers& workers_;
  health::Monitor& monitor_;
  std::vector<health::Silence> silences_;  // by BackendId
  base::Duration every_{};                 // 0: no pool wants it
  std::unique_ptr<base::Timer> timer_;
};

}  // namespace holdfast::server
