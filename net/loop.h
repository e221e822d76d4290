#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/scheduler.h"

struct event_base;

namespace holdfast::net {

/// One thread's event loop, on libevent. Everything but post() and stop() belongs to the thread that calls run().
///
/// Whatever was made from a loop (timers, streams, dials, listeners) must be gone before it.
class Loop final : public base::Scheduler {
 public:
  Loop();
  ~Loop() override;

  std::unique_ptr<base::Timer> timer(std::function<void()> on_due) override;
  void bury(std::unique_ptr<base::Buried> what) override;
  void post(std::function<void()> task) override;

  /// Runs until stop().
  void run();
  /// Ends run() after the current turn. Any thread.
  void stop();

  /// For net/ only.
  event_base* raw() const { return base_.get(); }

 private:
  struct BaseDeleter {
    void operator()(event_base* base) const;
  };
  class Wakeup;

  base::Instant read_clock() override;
  void run_posted();
  void end_turn();

  std::unique_ptr<event_base, BaseDeleter> base_;
  std::unique_ptr<Wakeup> wakeup_;
  std::vector<std::unique_ptr<base::Buried>> graveyard_;
  std::vector<std::unique_ptr<base::Buried>> decaying_;
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace holdfast::net
