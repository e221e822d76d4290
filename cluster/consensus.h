#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "cluster/agreement.h"
#include "cluster/isolation.h"
#include "cluster/roster.h"
#include "conf/settings.h"
#include "health/monitor.h"

namespace holdfast::cluster {

/// What all proxies together make of each backend, and of us. Gives the Monitor what follows: the quorum of each
/// backend, whether we are cut off, and our share of the probes.
///
/// Knows of the others what it is given, and nothing of Redis. Owned by Member, on the control loop; references outlive
/// it.
class Consensus {
 public:
  /// `on_standing`: we are cut off from now on, or in touch again.
  Consensus(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler, health::Monitor& monitor,
            std::string_view own_id, std::function<void()> on_standing);

  void reload(std::shared_ptr<const conf::Settings> settings);
  /// Who lives, as Redis says; `epoch` is when its clock was 0. Judges nothing: decide() does.
  Roster::MembershipChange update(std::vector<ProxyReport> live, base::Instant epoch);
  /// What another proxy has just seen. Judges nothing.
  void apply_update(const Broadcast& broadcast) { roster_.apply_update(broadcast); }
  /// Another proxy said goodbye. False: it was not known.
  bool remove(std::string_view id);
  /// Judges all backends, and us.
  void decide();
  /// Judges these, and us.
  void decide(const std::vector<conf::BackendId>& backends);

  /// After a pause: no verdict may come from what was known before it.
  void forget_others();
  /// There are no others: the Monitor goes by its own probes.
  void go_alone();
  /// The Monitor goes by its own probes; nothing is decided until others are known again.
  void stop();

  const Roster& roster() const { return roster_; }
  const Isolation& isolation() const { return isolation_; }

 private:
  void judge(conf::BackendId backend);
  void judge_all();
  void decide_isolation();
  void set_share();
  void release_monitor();

  std::shared_ptr<const conf::Settings> settings_;
  base::Scheduler& scheduler_;
  health::Monitor& monitor_;
  const std::function<void()> on_standing_;
  Roster roster_;
  Isolation isolation_;
  base::Instant epoch_{};
  std::vector<Tally> tallies_;  // by BackendId
  std::unique_ptr<base::Timer> second_look_;
};

}  // namespace holdfast::cluster
