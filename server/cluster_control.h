#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "admin/operator_api.h"
#include "admin/view.h"
#include "cluster/member.h"
#include "cluster/operator_states.h"
#include "cluster/roll_leases.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "redis/hub.h"

namespace holdfast::server {

/// What this proxy shares with the others and keeps of operators: makes the parts of cluster/, ties them to the
/// Monitor, and shows them to the admin listener.
///
/// Without [redis] and [cluster] it is the operators' record alone. Owned by BackendControl, on the control loop; what
/// it is given outlives it.
class ClusterControl final : private cluster::OperatorStates::Listener {
 public:
  struct Parts {
    std::shared_ptr<const conf::Settings> settings;
    base::Scheduler& scheduler;
    redis::RedisHub* hub;  ///< nullptr without [redis].
    health::Monitor& monitor;
    base::Random& random;
    /// Of our clients, under way at a backend.
    std::function<std::uint32_t(conf::BackendId)> requests;
  };
  explicit ClusterControl(const Parts& parts);
  ~ClusterControl() override;

  /// What operators said before this start: before the Monitor's.
  void load() { orders_.load(); }
  void start();
  /// An orderly stop begins: the others need not wait for our lease to end.
  void leave();
  /// Once a second.
  void on_tick();
  /// After the Monitor's: other backends, all else as it was.
  void reload(std::shared_ptr<const conf::Settings> settings);
  void on_observation(conf::BackendId backend);

  base::Result<void> obey(const admin::OperatorAsk& ask);
  cluster::RollLeases& rolls() { return rolls_; }
  /// Requests under way at "pool/backend" by way of other proxies; nullopt: not all have said so since the last order.
  std::optional<std::uint64_t> requests_elsewhere(std::string_view backend) const;
  /// Of several proxies with one map, the one to do what is to be done once.
  bool acts_for_all() const { return !member_ || !member_->is_together() || member_->is_leader(); }
  std::string proxy_name() const;
  /// Empty: we are not.
  std::string cut_off() const;
  admin::RedisView redis_view() const;
  enum class Observations : std::uint8_t { LeftOut, Shown };
  admin::ClusterView view(Observations observations) const;

 private:
  void on_order(std::string_view backend, const health::OperatorOrder& order) override;

  std::shared_ptr<const conf::Settings> settings_;
  base::Scheduler& scheduler_;
  health::Monitor& monitor_;
  cluster::BackendNames backends_;
  redis::RedisHub* const hub_;  // with [redis]
  cluster::OperatorStates orders_;
  cluster::RollLeases rolls_;
  struct Told {
    health::OperatorState state = health::OperatorState::Ready;
    base::Instant at{};
  };
  std::map<std::string, Told, std::less<>> told_;  // by "pool/backend": the last order that was another one
  std::unique_ptr<cluster::Member> member_;        // with [cluster]
};

}  // namespace holdfast::server
