#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/scheduler.h"

namespace holdfast::server {

/// Says from time to time that all loops turn, and says nothing while one of them does not: the service manager then
/// takes the process for hung. Owned by Server, on the control loop, whose own turning is what calls it.
class LoopWatch {
 public:
  struct Callbacks {
    /// The worker's loop is asked for a sign of life: on_heartbeat() with the same number.
    std::function<void(std::size_t worker)> ask;
    std::function<void()> all_turn;
  };

  /// A worker that has not answered for `interval` is hung. `scheduler` outlives it.
  LoopWatch(base::Scheduler& scheduler, std::size_t workers, base::Duration interval, Callbacks callbacks);

  void start();
  void on_heartbeat(std::size_t worker) { has_answered_[worker] = true; }

 private:
  void on_due();
  void ask_all();

  base::Scheduler& scheduler_;
  const base::Duration interval_;
  const Callbacks callbacks_;
  std::vector<bool> has_answered_;  // since it was asked
  std::vector<bool> is_hung_;       // and that was said
  std::unique_ptr<base::Timer> due_;
};

}  // namespace holdfast::server
