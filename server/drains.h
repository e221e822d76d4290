#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "admin/view.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "proxy/load.h"
#include "proxy/snapshot.h"
#include "server/cluster_control.h"
#include "server/drain_step.h"
#include "server/ordered_moves.h"
#include "server/session_control.h"

namespace holdfast::server {

/// Sees the backends through that operators have taken out: who is left, for how long, and, at a drain's deadline, that
/// the rest moves. drain_step decides; nothing is remembered that a restart would lose, as each step follows from the
/// orders and the counts of the moment. Owned by BackendControl, on the control loop; what it is given outlives it.
class Drains {
 public:
  struct Parts {
    health::Monitor& monitor;
    SessionControl& sessions;
    const ClusterControl& control;
    const proxy::Loads& loads;
    OrderedMoves& moves;
    base::WallTime started;  ///< This process, by both clocks.
    base::Instant began;
  };
  explicit Drains(const Parts& parts) : parts_(parts) {}

  /// At the start, once a second.
  void on_tick(const proxy::Snapshot& snapshot);
  /// nullopt: it is not taken out.
  std::optional<admin::DrainView> view(const proxy::Snapshot& snapshot, conf::BackendId backend) const;

 private:
  struct Kept {
    base::WallTime ordered{};  // the order that this is about
    std::uint64_t moved = 0;
    std::optional<base::Instant> overdue_since = {};
    bool was_out = false;  // before this process began
    bool is_moving = false;
    bool is_over = false;  // and has been said to be
  };
  std::optional<DrainFacts> facts(const proxy::Snapshot& snapshot, conf::BackendId backend) const;
  std::vector<sessions::BackendTag> takers(const proxy::Snapshot& snapshot, conf::BackendId backend) const;
  void see_to(const proxy::Snapshot& snapshot, const conf::Backend& backend);
  void move_all(const proxy::Snapshot& snapshot, const conf::Backend& backend);
  void on_moved(conf::BackendId backend, const std::string& pool, const std::string& name,
                const base::Result<sessions::Effect>& done);
  Kept& kept(conf::BackendId backend);

  const Parts parts_;
  std::vector<Kept> kept_;  // by BackendId
};

}  // namespace holdfast::server
