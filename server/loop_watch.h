#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/scheduler.h"

namespace holdfast::server {

/// Says from time to time that all loops turn, and says nothing while one of them does not: the service manager then
/// takes the process for hung. Owned by Workers, on the control loop, whose own turning is what calls it.
class LoopWatch {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Ask the worker's loop for a sign of life, then call on_heartbeat() with the same number.
    virtual void on_ask(std::size_t worker) = 0;
    virtual void on_all_turning() = 0;
  };

  /// A worker that has not answered for `interval` is hung. Both outlive it.
  LoopWatch(base::Scheduler& scheduler, std::size_t workers, base::Duration interval, Owner& owner);

  void start();
  void on_heartbeat(std::size_t worker) { has_answered_[worker] = true; }

 private:
  void on_due();
  void ask_all();

  base::Scheduler& scheduler_;
  const base::Duration interval_;
  Owner& owner_;
  std::vector<bool> has_answered_;  // since it was asked
  std::vector<bool> is_hung_;       // and that was said
  std::unique_ptr<base::Timer> due_;
};

}  // namespace holdfast::server
