#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "cluster/backend_names.h"
#include "cluster/broadcaster.h"
#include "cluster/consensus.h"
#include "cluster/heartbeat.h"
#include "cluster/keys.h"
#include "cluster/missing.h"
#include "cluster/operator_states.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// This proxy as one of several. It ties its parts together: Heartbeat tells the others each second what we see and
/// brings back the same of them, Broadcaster does so between heartbeats, Consensus gives the Monitor what follows.
///
/// While Redis is away there are no others, and the Monitor goes by its own probes alone. Lives on the control loop;
/// what it is given outlives it. It is the listener of channel(), which its owner subscribes to.
class Member final : public redis::RedisListener, private Heartbeat::Owner {
 public:
  struct Parts {
    std::shared_ptr<const conf::Settings> settings;
    base::Scheduler& scheduler;
    redis::Redis& redis;
    health::Monitor& monitor;
    OperatorStates& orders;
    /// Of our clients, under way at a backend.
    std::function<std::uint32_t(conf::BackendId)> requests = {};
  };
  /// `name` is for people; `instance` is another one with each start of a process.
  Member(const Parts& parts, std::string_view name, std::string_view instance);

  const std::string& channel() const { return keys_.channel; }
  void start();
  /// Says goodbye; nothing is received or published any more.
  void leave();

  /// Health::Monitor::Listener's: what we see has changed.
  void on_observation(conf::BackendId backend);
  /// The link has come up or gone down.
  void on_link_changed();
  /// After the Monitor's: other backends, all else as it was.
  void reload(std::shared_ptr<const conf::Settings> settings);

  /// Others are known, or known not to be there.
  bool is_together() const { return heartbeat_.is_together(); }
  /// Why not, in words.
  const std::string& alone_because() const { return heartbeat_.alone_because(); }
  const std::string& id() const { return heartbeat_.id(); }
  /// As said last.
  const ProxyReport& own_word() const { return heartbeat_.report(); }
  const Roster& roster() const { return consensus_.roster(); }
  const Missing& missing() const { return missing_; }
  const Isolation& isolation() const { return consensus_.isolation(); }
  /// Another live proxy has our name; empty: none has.
  std::string duplicate_name_warning() const;
  const std::string& leader() const { return heartbeat_.leader(); }
  bool is_leader() const { return heartbeat_.is_leader(); }
  std::uint64_t fence() const { return heartbeat_.fence(); }
  Observations observations() const;
  /// Requests under way at the backend by way of the others, once all of them obey the orders there are; nullopt: that
  /// is not known yet.
  std::optional<std::uint64_t> requests_elsewhere(std::string_view backend) const;

 private:
  // redis::RedisListener
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const redis::RedisState&) override {}

  // Heartbeat::Owner
  void on_tick() override;
  void on_pause() override { consensus_.forget_others(); }
  void on_report_due(ProxyReport& report) override;
  void on_together(std::size_t proxies) override;
  void on_heartbeat(HeartbeatReply reply) override;
  void on_alone() override;

  void on_goodbye(std::string_view id);
  void send_heartbeat_soon();
  void watch_duplicate_names();

  base::Scheduler& scheduler_;
  redis::Redis& redis_;
  health::Monitor& monitor_;
  OperatorStates& orders_;
  const std::function<std::uint32_t(conf::BackendId)> requests_;
  const Keys keys_;
  BackendNames names_;
  Heartbeat heartbeat_;
  Consensus consensus_;
  Broadcaster broadcaster_;
  Missing missing_;
  std::uint64_t obeyed_ = 0;  // orders as of the heartbeat before: by the next one our workers have heard of them
  unsigned duplicate_name_heartbeats_ = 0;  // in a row that met a duplicate name
  bool is_started_ = false;
};

}  // namespace holdfast::cluster
