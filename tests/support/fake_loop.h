#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/scheduler.h"

namespace holdfast::tests {

/// A loop without a kernel: the clock stands still until a test moves it.
///
/// One turn is: the posts that are waiting, then every timer that is due at this instant, then the burials. As in the
/// real loop, what was buried early in a turn is still alive, with its timers armed, until the turn ends.
/// Everything but post() belongs to the test's thread. Outlives all that was made from it.
class FakeLoop final : public base::Scheduler {
 public:
  FakeLoop() = default;
  ~FakeLoop() override;

  std::unique_ptr<base::Timer> timer(std::function<void()> on_due) override;
  void bury(std::unique_ptr<base::Buried> what) override;
  void post(std::function<void()> task) override;

  /// Turns until nothing is due now. Stops the test (base::check) after 100,000 turns: something spins.
  void run();
  /// Moves the clock on by `by`, stopping at each timer on the way: timers fire on time and in order.
  void advance(base::Duration by);
  /// Moves the clock without firing anything, as a stopped process or a suspended machine sees it; then run() to fire
  /// what has become late.
  void jump(base::Duration by) { set_clock(clock_ + by); }

  std::size_t timers_set() const;
  std::size_t timers_alive() const { return timers_.size(); }
  std::optional<base::Instant> next_due() const;

 private:
  class FakeTimer;

  base::Instant read_clock() override { return clock_; }
  void set_clock(base::Instant to) {
    clock_ = to;
    forget_now();
  }
  bool turn();
  void fire_due();
  void end_turn();

  base::Instant clock_ = base::Instant{} + std::chrono::hours{1000};
  std::vector<FakeTimer*> timers_;  // not owned; each leaves when it dies
  std::vector<std::unique_ptr<base::Buried>> graveyard_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace holdfast::tests
