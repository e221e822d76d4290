#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/scheduler.h"

namespace holdfast::server {

/// Compares passwords on a thread of its own: that takes long on purpose, and the control loop has backends to watch.
/// The thread begins with the first password. Owned by the Server; the number that wait is bounded by who asks.
class PasswordCheck {
 public:
  /// `scheduler` outlives it.
  explicit PasswordCheck(base::Scheduler& scheduler) : scheduler_(scheduler) {}
  ~PasswordCheck();

  /// `done` is called on the scheduler's thread, never from inside check().
  void check(std::string password, std::string hash, std::function<void(bool)> done);

 private:
  struct Task {
    std::string password;
    std::string hash;
    std::function<void(bool)> done;
  };
  void run();

  base::Scheduler& scheduler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool is_ending_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace holdfast::server
