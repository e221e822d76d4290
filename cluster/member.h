#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "cluster/agreement.h"
#include "cluster/heartbeat.h"
#include "cluster/isolation.h"
#include "cluster/keys.h"
#include "cluster/leader_lease.h"
#include "cluster/missing.h"
#include "cluster/operator_states.h"
#include "cluster/roster.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// This proxy as one of several: reports each second that it lives and what it sees, gets the same from the others, and
/// gives the Monitor what follows from it (quorum, share, isolation).
///
/// It decides nothing itself: roster, agreement, isolation and lease do. While Redis is away there are no others, and
/// the Monitor goes by its own probes alone. Lives on the control loop; what it is given outlives it. It is the
/// listener of a subscription to channel(), which its owner makes and which must go first.
class Member final : public redis::RedisListener {
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
  /// Says goodbye; nothing is received or sent any more.
  void leave();

  /// Health::Monitor::Listener's: what we see has changed.
  void on_observation(conf::BackendId backend);
  /// The link has come up or gone down.
  void on_link_changed();
  /// After the Monitor's: other backends, all else as it was.
  void reload(std::shared_ptr<const conf::Settings> settings);

  /// Others are known, or known not to be there.
  bool is_together() const { return is_together_; }
  /// Why not, in words.
  const std::string& alone_because() const { return alone_because_; }
  const std::string& name() const { return word_.name; }
  const std::string& id() const { return id_; }
  /// As said last.
  const ProxyReport& own_word() const { return word_; }
  const Roster& roster() const { return roster_; }
  const Missing& missing() const { return missing_; }
  const Isolation& isolation() const { return isolation_; }
  /// Another live proxy has our name; empty: none has.
  std::string duplicate_name_warning() const;
  const std::string& leader() const { return leader_; }
  bool is_leader() const { return lease_.is_held(scheduler_.now()); }
  std::uint64_t fence() const { return lease_.fence(); }
  Observations observations() const;
  /// Requests under way at the backend by way of the others, once all of them obey the orders there are; nullopt: that
  /// is not known yet.
  std::optional<std::uint64_t> requests_elsewhere(std::string_view backend) const;

  static constexpr base::Duration kHeartbeat = std::chrono::seconds{1};
  static constexpr base::Duration kLease = std::chrono::seconds{3};
  static constexpr base::Duration kLateMax = std::chrono::milliseconds{1500};
  static constexpr base::Duration kBroadcastGap = std::chrono::milliseconds{200};  ///< Of one backend, unless it turns.
  static constexpr base::Duration kLookAroundGap = std::chrono::seconds{10};
  static constexpr std::size_t kLookAroundMax = 500;

 private:
  struct LastBroadcast {
    base::Instant at{};
    health::ProbeState probe = health::ProbeState::Starting;
  };

  // redis::RedisListener
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const redis::RedisState&) override {}

  void on_tick();
  void heartbeat_now();
  void heartbeat();
  void on_heartbeat_reply(base::Instant asked, const redis::RedisReply& reply);
  void take_time(base::Instant asked, base::WallTime redis_now);
  void take_lead(base::Instant asked, const HeartbeatReply& heartbeat);
  void log_changes(const Roster::MembershipChange& change);
  void watch_duplicate_names();
  void fall_back(std::string_view because);

  void on_flush();
  bool broadcast(conf::BackendId backend);
  void look_around();
  void on_broadcast(std::string_view text);

  void judge(conf::BackendId backend);
  void judge_all();
  void decide_isolation();
  void set_share();
  std::string backend_name(conf::BackendId backend) const;
  void learn_backends();

  std::shared_ptr<const conf::Settings> settings_;
  base::Scheduler& scheduler_;
  redis::Redis& redis_;
  health::Monitor& monitor_;
  OperatorStates& orders_;
  const std::function<std::uint32_t(conf::BackendId)> requests_;
  const Keys keys_;
  ProxyReport word_;  // what we said last; its observations are filled in to be said
  const std::string id_;
  Roster roster_;
  Missing missing_;
  Isolation isolation_;
  LeaderLease lease_{kLease};
  TickWatch ticks_{kHeartbeat, kLateMax};
  std::string leader_;
  std::uint64_t number_ = 0;  // of the last thing said
  std::uint64_t obeyed_ = 0;  // orders as of the heartbeat before: by the next one our workers obey them
  base::Instant epoch_{};     // when Redis' clock was 0
  bool is_started_ = false;
  bool is_together_ = false;
  std::string alone_because_ = "connecting";
  unsigned duplicate_name_heartbeats_ = 0;  // heartbeats in a row that met a duplicate name
  std::map<std::string, conf::BackendId, std::less<>> by_name_;
  std::vector<Tally> tallies_;                  // by BackendId
  std::vector<LastBroadcast> last_broadcasts_;  // by BackendId
  std::set<conf::BackendId> news_;              // to be broadcast
  std::optional<base::Instant> looked_around_;
  std::unique_ptr<base::Timer> tick_;
  std::unique_ptr<base::Timer> flush_;
  std::unique_ptr<base::Timer> second_look_;
  std::unique_ptr<redis::RedisCall> heartbeat_;
};

}  // namespace holdfast::cluster
