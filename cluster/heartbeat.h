#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "cluster/heartbeat_script.h"
#include "cluster/keys.h"
#include "cluster/leader_lease.h"
#include "cluster/observation.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// One call to Redis each second: renews our lease and our report, and brings back who else lives, who leads, and what
/// time it is. Without a reply we are alone.
///
/// Owned by Member, on the control loop; references outlive it. What the reply means for backends is for Consensus.
class Heartbeat {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Each second, with Redis or without.
    virtual void on_tick() = 0;
    /// This process stood still: what is known of the others is from before.
    virtual void on_pause() = 0;
    /// Fills in what we see and obey.
    virtual void on_report_due(ProxyReport& report) = 0;
    /// From now on others are known, or known not to be there: `proxies` live, we included.
    virtual void on_together(std::size_t proxies) = 0;
    virtual void on_heartbeat(HeartbeatReply reply) = 0;
    /// Nothing is known of others any more.
    virtual void on_alone() = 0;
  };

  Heartbeat(base::Scheduler& scheduler, redis::Redis& redis, const Keys& keys, ProxyReport own, Owner& owner);

  /// Begins, or brings the next one forward to this turn of the loop.
  void send_soon();
  /// Until send_soon(). A reply that is under way is not waited for.
  void stop();
  /// The link to Redis has gone down.
  void on_link_down();

  bool is_together() const { return is_together_; }
  /// Why not, in words.
  const std::string& alone_because() const { return alone_because_; }
  const std::string& id() const { return id_; }
  /// As sent last.
  const ProxyReport& report() const { return report_; }
  /// Numbers all that we say, here and between heartbeats, in order.
  std::uint64_t next_number() { return ++last_number_; }
  const std::string& leader() const { return leader_; }
  bool is_leader() const { return lease_.is_held(scheduler_.now()); }
  std::uint64_t fence() const { return lease_.fence(); }
  /// The moment when Redis' clock was 0.
  base::Instant epoch() const { return epoch_; }

  static constexpr base::Duration kInterval = std::chrono::seconds{1};
  static constexpr base::Duration kLease = std::chrono::seconds{3};
  static constexpr base::Duration kLateMax = std::chrono::milliseconds{1500};

 private:
  void on_tick();
  void send();
  void on_reply(base::Instant asked, const redis::RedisReply& reply);
  void take_time(base::Instant asked, base::WallTime redis_now);
  void take_lead(base::Instant asked, const HeartbeatReply& reply);
  void fall_back(std::string_view because);

  base::Scheduler& scheduler_;
  redis::Redis& redis_;
  const Keys& keys_;
  Owner& owner_;
  ProxyReport report_;
  const std::string id_;
  LeaderLease lease_{kLease};
  TickWatch ticks_{kInterval, kLateMax};
  std::string leader_;
  std::uint64_t last_number_ = 0;
  base::Instant epoch_{};
  bool is_together_ = false;
  std::string alone_because_ = "connecting";
  std::unique_ptr<base::Timer> tick_;
  std::unique_ptr<redis::RedisCall> call_;
};

}  // namespace holdfast::cluster
