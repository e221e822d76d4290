#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/tcp_dialer.h"
#include "redis/link.h"
#include "redis/subscription.h"
#include "tests/support/redis_server.h"

/// A link to a real Redis, on a loop in a thread of its own; the test's main thread starts and stops servers and asks.
namespace holdfast::tests {

using support::Deadline;
using support::eventually;
using support::RedisServer;

class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  redis::RedisContext context() { return {loop_, dialer_, resolver_, 7}; }
  net::Loop& loop() { return loop_; }

  /// Runs `task` on the loop's thread and waits for what it returns.
  template <class Task>
  auto on_loop(Task task) {
    // Shared: the promise must outlive set_value(), which may still be returning when we are woken.
    const auto promise = std::make_shared<std::promise<decltype(task())>>();
    loop_.post([&task, promise] {
      if constexpr (std::is_void_v<decltype(task())>) {
        task();
        promise->set_value();
      } else {
        promise->set_value(task());
      }
    });
    return promise->get_future().get();
  }

 private:
  net::Loop loop_;
  net::TcpDialer dialer_{loop_};
  net::SystemResolver resolver_{loop_};
  std::thread thread_;
};

/// What one call came to, and how long that took.
struct Reply {
  base::Result<redis::RedisReply> result{base::Error{}};
  std::chrono::nanoseconds took{};

  bool is_error(base::ErrorCode code) const { return !result && result.error().code == code; }
  std::string text() const { return result ? result->text : "error: " + result.error().text; }
  std::int64_t integer() const { return result ? result->integer : -1; }
};

/// Waits for a number of responses that come on the loop's thread.
class Replies {
 public:
  void add(Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    changed_.notify_all();
  }
  std::vector<Reply> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, Deadline{}.due(), [&] { return replies_.size() >= count; });
    return std::exchange(replies_, {});
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return replies_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Reply> replies_;
};

class TestLink {
 public:
  using Words = std::vector<std::string>;

  explicit TestLink(const conf::Redis& redis) {
    thread_.on_loop([&] {
      link_ = std::make_unique<redis::RedisLink>(thread_.context(), redis, [this](const redis::RedisState& state) {
        const std::lock_guard lock(mutex_);
        states_.push_back(state);
      });
    });
  }
  ~TestLink() {
    thread_.on_loop([&] {
      handles_.clear();
      link_.reset();
    });
  }
  TestLink(const TestLink&) = delete;
  TestLink& operator=(const TestLink&) = delete;

  LoopThread& thread() { return thread_; }
  redis::RedisLink& raw() { return *link_; }  ///< On the loop's thread only.
  void destroy_link() {
    thread_.on_loop([&] { link_.reset(); });
  }
  void destroy_handles() {
    thread_.on_loop([&] { handles_.clear(); });
  }

  redis::RedisState state() {
    return thread_.on_loop([&] { return link_->state(); });
  }
  redis::RedisCounts counts() {
    return thread_.on_loop([&] { return link_->counts(); });
  }
  bool is_up() {
    return thread_.on_loop([&] { return link_->is_up(); });
  }
  bool wait_up() {
    return eventually([&] { return is_up(); });
  }
  bool wait_reason(std::string_view reason) {
    return eventually([&] { return state().reason == reason; });
  }
  std::vector<redis::RedisState> states() {
    const std::lock_guard lock(mutex_);
    return states_;
  }

  /// Sends; the response goes to `replies`.
  void send(const Words& words, Replies& replies) {
    thread_.on_loop([&] {
      const std::vector<std::string_view> views(words.begin(), words.end());
      handles_.push_back(link_->call(views, collector(replies)));
    });
  }
  Reply ask(const Words& words) {
    Replies replies;
    send(words, replies);
    return replies.wait_for(1).at(0);
  }
  Reply run(const redis::RedisScript& script, const Words& keys, const Words& args) {
    Replies replies;
    thread_.on_loop([&] {
      const std::vector<std::string_view> key_views(keys.begin(), keys.end());
      const std::vector<std::string_view> arg_views(args.begin(), args.end());
      handles_.push_back(link_->run(script, key_views, arg_views, collector(replies)));
    });
    return replies.wait_for(1).at(0);
  }

 private:
  static redis::Redis::Done collector(Replies& replies) {
    return [&replies, sent = support::Clock::now()](base::Result<redis::RedisReply> result) {
      replies.add({std::move(result), support::Clock::now() - sent});
    };
  }

  LoopThread thread_;
  std::unique_ptr<redis::RedisLink> link_;
  std::vector<std::unique_ptr<redis::RedisCall>> handles_;
  std::mutex mutex_;
  std::vector<redis::RedisState> states_;  // guarded by mutex_
};

/// Generous, because sanitizers on a busy machine are slow: only tests of the deadline itself want it short.
inline conf::Redis settings_for(const RedisServer& server, base::Duration timeout = std::chrono::seconds{5}) {
  conf::Redis redis;
  redis.is_present = true;
  redis.address = {"127.0.0.1", server.port()};
  redis.timeout = timeout;
  return redis;
}

}  // namespace holdfast::tests
