#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/proxy.h"

namespace holdfast::support {

/// Users with an app session each (cookie JSESSIONID), who ask through all proxies in parallel until told to stop. The
/// backends answer with their names (work_on_all).
class Load {
 public:
  struct Options {
    std::vector<Proxy*> proxies;
    int users = 60;
    int threads = 4;
    int per_second = 0;  ///< Requests of all threads together, on a fixed schedule; 0: one after the other.
    std::string prefix = "user";
  };
  struct Request {
    int user = 0;
    std::string backend;  ///< Empty: it failed.
    std::string trouble = {};
    Clock::time_point began;  ///< When it was due: what waits behind a slow one counts, too.
    Clock::time_point ended;
    Clock::duration took() const { return ended - began; }
  };

  explicit Load(Options options) : options_(std::move(options)), lanes_(static_cast<std::size_t>(options_.threads)) {
    const auto start = Clock::now();
    for (std::size_t t = 0; t < lanes_.size(); ++t) {
      lanes_[t].thread = std::thread([this, t, start] { run(t, start); });
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { stop(); }

  /// How many responses there have been.
  std::size_t count() const { return count_; }
  /// Waits for so many more.
  bool goes_on_for(std::size_t more, Deadline deadline = Deadline{60s}) const {
    const std::size_t until = count_ + more;
    return eventually([&] { return count_ >= until; }, deadline);
  }

  /// All of them, in the order of their beginnings.
  const std::vector<Request>& stop() {
    stopping_ = true;
    for (Lane& lane : lanes_) {
      if (!lane.thread.joinable()) continue;
      lane.thread.join();
      all_.insert(all_.end(), lane.requests.begin(), lane.requests.end());
    }
    std::sort(all_.begin(), all_.end(), [](const Request& a, const Request& b) { return a.began < b.began; });
    return all_;
  }

  // After stop():
  std::string troubles() const {
    std::string text;
    for (const Request& request : all_) {
      if (request.backend.empty() && text.size() < 2000) text += request.trouble + "\n";
    }
    return text;
  }
  Clock::duration slowest() const {
    Clock::duration most{};
    for (const Request& request : all_) most = std::max(most, request.took());
    return most;
  }
  std::size_t slower_than(Clock::duration limit) const {
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const Request& request) { return request.took() > limit; }));
  }
  /// Who has been served by more than one backend but `dead`: such a user has met proxies that disagree.
  std::set<int> split_users(const std::string& dead = {}) const {
    std::map<int, std::set<std::string>> homes;
    for (const Request& request : all_) {
      if (!request.backend.empty() && request.backend != dead) homes[request.user].insert(request.backend);
    }
    std::set<int> split;
    for (const auto& [user, backends] : homes) {
      if (backends.size() > 1) split.insert(user);
    }
    return split;
  }

 private:
  struct Lane {
    std::thread thread;
    std::vector<Request> requests;
  };

  void run(std::size_t t, Clock::time_point start) {
    HttpClient client = options_.proxies[t % options_.proxies.size()]->client();
    const auto lanes = static_cast<int>(lanes_.size());
    for (int i = 0; !stopping_; ++i) {
      Request request;
      request.user = (i + static_cast<int>(t)) % options_.users;
      request.began = Clock::now();
      if (options_.per_second > 0) {
        request.began = start + std::chrono::nanoseconds{1s} / options_.per_second * (i * lanes + static_cast<int>(t));
        std::this_thread::sleep_until(request.began);
      }
      const Response response =
          client.get("/", {{"Cookie", "JSESSIONID=" + options_.prefix + std::to_string(request.user)}});
      request.ended = Clock::now();
      if (response.is_whole(200)) {
        request.backend = response.body;
      } else {
        request.trouble = options_.prefix + std::to_string(request.user) + ": " + response.text();
      }
      lanes_[t].requests.push_back(std::move(request));
      ++count_;
    }
  }

  const Options options_;
  std::vector<Lane> lanes_;
  std::vector<Request> all_;
  std::atomic<std::size_t> count_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace holdfast::support
