#pragma once

#include <functional>
#include <memory>

#include "base/time.h"

namespace holdfast::base {

/// A deadline that can be set again and again. Destroying it means its callback never comes.
///
/// Moving a deadline further away costs a store: an armed timer that fires early looks at the true time and sleeps on.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;
  virtual void set(Instant due) = 0;  ///< Replaces what was set before. A past time fires on the next turn.
  virtual void cancel() = 0;
  virtual bool is_set() const = 0;
};

/// Base of what Scheduler::bury takes.
class Buried {
 public:
  Buried() = default;
  Buried(const Buried&) = delete;
  Buried& operator=(const Buried&) = delete;
  virtual ~Buried() = default;
};

/// One thread's event loop as the rest of the house sees it. net::Loop is the real one, tests have a fake with
/// advance(). All functions but post() are called on the loop's thread only.
class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  /// The time this turn of the loop began (cached: cheap, and the same for everything in one turn). Not virtual,
  /// because a request asks a dozen times.
  Instant now() {
    if (!now_is_known_) {
      now_ = read_clock();
      now_is_known_ = true;
    }
    return now_;
  }
  /// `on_due` is called on the loop's thread once each time a set() deadline passes. The scheduler outlives the timer.
  virtual std::unique_ptr<Timer> timer(std::function<void()> on_due) = 0;
  /// Destroys `what` after the current callbacks have returned: how an owner gives up a child that is on the stack.
  virtual void bury(std::unique_ptr<Buried> what) = 0;
  /// Runs `task` on the loop's thread, later. May be called from any thread; tasks of one thread keep their order.
  virtual void post(std::function<void()> task) = 0;

 protected:
  virtual Instant read_clock() = 0;
  /// Whoever asks next reads the clock.
  void forget_now() { now_is_known_ = false; }

 private:
  Instant now_{};
  bool now_is_known_ = false;
};

}  // namespace holdfast::base
