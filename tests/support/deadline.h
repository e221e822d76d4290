#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

/// What the whole-program tests are built from: real processes, real sockets, a deadline on everything.
namespace holdfast::support {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// How long a test waits for what must come. Long, because sanitizers on a busy machine are slow; a passing test never
/// uses it up.
inline constexpr std::chrono::seconds kPatience{60};

/// A point in time that every wait of a test has.
class Deadline {
 public:
  explicit Deadline(Clock::duration from_now = kPatience) : due_(Clock::now() + from_now) {}
  Clock::time_point due() const { return due_; }
  bool passed() const { return Clock::now() >= due_; }
  /// What poll(2) wants: milliseconds, rounded up, 0 when passed.
  int poll_ms() const {
    const auto left = due_ - Clock::now();
    return left <= left.zero() ? 0 : static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

 private:
  Clock::time_point due_;
};

/// Asks again and again until `holds()` or the deadline: for facts nobody announces (a descriptor count in /proc, an
/// admin page). The response is what held last.
template <class Predicate>
bool eventually(Predicate holds, Deadline deadline = Deadline{}) {
  while (!holds()) {
    if (deadline.passed()) return holds();
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// Opens once, for ever; threads wait before it. Any thread. Declare it before the Fleet whose backends wait: a test
/// that fails half-way leaves them there.
class Latch {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool is_open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }
  /// False when the deadline passed first.
  bool wait(Deadline deadline = Deadline{}) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline.due(), [this] { return open_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace holdfast::support
