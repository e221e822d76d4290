#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/redis.h"
#include "tests/support/deadline.h"

namespace holdfast::tests {

/// What was heard, one word a thing: "subscribed", "lost timeout", "channel:payload".
class TestListener final : public redis::RedisListener {
 public:
  void on_message(std::string_view channel, std::string_view payload) override {
    add(std::string(channel) + ":" + std::string(payload));
  }
  void on_subscribed() override { add("subscribed"); }
  void on_lost(const redis::RedisState& state) override { add("lost " + state.reason); }

  bool wait_for(std::string_view what) {
    return wait_until([&](const std::vector<std::string>& received) {
      return std::find(received.begin(), received.end(), what) != received.end();
    });
  }
  /// Until `holds` is true of all that was heard since take().
  template <class Holds>
  bool wait_until(Holds holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, Deadline{}.due(), [&] { return holds(received_); });
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(received_, {});
  }

 private:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    received_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> received_;
};

}  // namespace holdfast::tests
