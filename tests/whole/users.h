#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/facts.h"
#include "tests/support/proxy.h"

namespace holdfast::support {

/// Which backend answered the session `id`.
inline std::string ask(HttpClient& client, const std::string& id) {
  const Response response = client.get("/", {{"Cookie", "sid=" + id}});
  return response.is_whole(200) ? response.body : "failed: " + response.text();
}

/// Users with app sessions, old and new ones, who ask all the time on kept connections.
class Users {
 public:
  struct Load {
    int threads = 4;
    int per_second = 0;  ///< Of all threads together; 0: each asks as soon as it is answered.
  };
  /// As many as the requirements say (5,000 requests/s), where full size is wanted.
  static Load usual() { return wants_full_size() ? Load{.threads = 32, .per_second = 5000} : Load{}; }

  explicit Users(const Proxy& proxy, Load load = usual()) {
    threads_.reserve(static_cast<std::size_t>(load.threads));
    for (int t = 0; t < load.threads; ++t) {
      threads_.emplace_back([this, &proxy, t, load] {
        HttpClient client = proxy.client();
        const auto start = Clock::now();
        for (int i = 0; !over_.is_open(); ++i) {
          if (load.per_second > 0) {
            std::this_thread::sleep_until(start + std::chrono::nanoseconds{1s} * i * load.threads / load.per_second);
          }
          // Every fourth request is of a session that was born a while ago; the others grow slowly in number.
          const int number = i % 4 == 0 ? i % 10 : i / 20;
          const std::string id = "u" + std::to_string(t) + "-" + std::to_string(number);
          const std::string backend = ask(client, id);
          note_response(id, backend);
        }
      });
    }
  }
  ~Users() { stop(); }
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  int count() const { return count_; }
  /// Waits for so many more requests, ten times as many where full size is wanted.
  bool go_on_for(int more) const {
    const int until = count_ + (wants_full_size() ? 10 * more : more);
    return eventually([&] { return count_ >= until; }, Deadline{60s});
  }
  void stop() {
    over_.open();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // After stop():
  const std::vector<std::string>& errors() const { return errors_; }
  std::size_t sessions() const { return homes_.size(); }
  std::set<std::string> split() const {
    std::set<std::string> out;
    for (const auto& [id, backends] : homes_) {
      if (backends.size() > 1) out.insert(id);
    }
    return out;
  }
  bool has_met(const std::string& backend) const {
    return std::any_of(homes_.begin(), homes_.end(), [&](const auto& user) { return user.second.contains(backend); });
  }

 private:
  void note_response(const std::string& id, const std::string& backend) {
    ++count_;
    const std::lock_guard lock(mutex_);
    if (backend.starts_with("failed")) {
      errors_.push_back(id + " " + backend);
    } else {
      homes_[id].insert(backend);
    }
  }

  Latch over_;
  std::atomic<int> count_ = 0;
  std::mutex mutex_;
  std::vector<std::string> errors_;
  std::map<std::string, std::set<std::string>> homes_;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::support
