#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "cluster/backend_names.h"
#include "cluster/consensus.h"
#include "cluster/heartbeat.h"
#include "cluster/keys.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// What happens between two heartbeats: publishes at once what we see change, and probes at once where another proxy
/// has seen a change that we have not.
///
/// Owned by Member, on the control loop; references outlive it.
class Broadcaster {
 public:
  struct Parts {
    std::shared_ptr<const conf::Settings> settings;
    base::Scheduler& scheduler;
    redis::Redis& redis;
    health::Monitor& monitor;
    const Keys& keys;
    const BackendNames& names;
    Heartbeat& heartbeat;
    Consensus& consensus;
  };
  explicit Broadcaster(Parts parts);

  /// What we see of the backend has changed. Published in the next turn of the loop, when the monitor has judged.
  void on_observation(conf::BackendId backend);
  /// What another proxy published.
  void on_message(std::string_view text);
  void reload(std::shared_ptr<const conf::Settings> settings);
  void stop() { flush_->cancel(); }

  static constexpr base::Duration kGap = std::chrono::milliseconds{200};  ///< Of one backend, unless it turns.
  static constexpr base::Duration kLookAroundGap = std::chrono::seconds{10};
  static constexpr std::size_t kLookAroundMax = 500;

 private:
  struct LastBroadcast {
    base::Instant at{};
    health::ProbeState probe = health::ProbeState::Starting;
  };

  void on_flush();
  bool publish(conf::BackendId backend);
  void look_around();

  Parts parts_;
  std::vector<LastBroadcast> last_broadcasts_;  // by BackendId
  std::set<conf::BackendId> news_;              // to be published
  std::optional<base::Instant> looked_around_;
  std::unique_ptr<base::Timer> flush_;
};

}  // namespace holdfast::cluster
