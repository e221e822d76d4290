#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "net/listener.h"
#include "proxy/concurrency_limits.h"
#include "proxy/counters.h"
#include "proxy/load.h"
#include "server/access_log.h"
#include "server/loop_watch.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/worker.h"
#include "sessions/keyring.h"
#include "sessions/move_log.h"

namespace holdfast::server {

/// The workers, and what they share. Owned by Server, on the control loop: what a worker reports on its own thread is
/// passed on there.
class Workers final : private Worker::Owner, private LoopWatch::Owner {
 public:
  /// Called on the control loop.
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// After drain() or leave(): the last client of the last worker has gone.
    virtual void on_all_drained() = 0;
    /// A change to the session map that another process decides (Worker::suspend).
    virtual void on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) = 0;
    /// A worker's link to Redis has become Ok, or has stopped being Ok.
    virtual void on_worker_link(const redis::RedisState& state) = 0;
  };
  /// What requests find out about backends. Called on the control loop.
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;
    virtual void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) = 0;
    virtual void on_backend_success(conf::BackendId backend) = 0;
    virtual void on_request_lost(const proxy::LostRequest& lost) = 0;
    virtual void on_suspect_answered(const proxy::Fingerprint& fingerprint) = 0;
  };

  /// `loop` and `owner` outlive it.
  Workers(base::Scheduler& loop, const conf::Settings& settings, Owner& owner);
  ~Workers() override;

  /// All but `random` and `view` outlive the Workers' threads.
  struct Parts {
    const RunningConfig& config;
    SessionControl& sessions;
    const sessions::Keyring& keyring;
    AccessLog* access_log;  ///< nullptr: off.
    base::Random& random;
    std::shared_ptr<const health::View> view;
    Listener& listener;
  };
  /// Makes as many workers as the settings say. None of them runs yet.
  void make(const Parts& parts);
  /// Spreads the sockets of listener number `listen` over the workers.
  void listen(std::vector<net::BoundSocket> sockets, std::size_t listen);
  /// Ends their threads; may be called without start.
  void stop_and_join();

  std::size_t size() const { return workers_.size(); }
  Worker& at(std::size_t worker) { return *workers_[worker]; }
  /// Calls `step`, a member function or anything else that takes a Worker first, for each.
  template <class Step, class... Arguments>
  void each(const Step& step, const Arguments&... arguments) {
    for (const auto& worker : workers_) std::invoke(step, *worker, arguments...);
  }
  /// Calls `step` of all workers, then, when all are done, `then`.
  void on_all(void (Worker::*step)(Worker::Done), std::function<void()> then);

  /// Makes room for the pools and backends of new settings. Called before anybody has a Snapshot of them.
  void configure(const conf::Settings& settings);
  /// One socket a worker, by the number of its listener.
  using Sockets = std::map<std::size_t, std::vector<net::BoundSocket>>;
  /// Gives `change` to all workers. Each of them takes its own sockets out of `opened`; change.opened is not used.
  void reload(const Worker::Reload& change, Sockets& opened);

  /// From now on tells the service manager, every `interval`, that all loops turn.
  void watch(base::Duration interval);
  void stop_watching() { loop_watch_.reset(); }

  proxy::Loads& loads() { return loads_; }
  const proxy::Loads& loads() const { return loads_; }
  const proxy::ConcurrencyLimits& concurrency() const { return concurrency_; }
  sessions::MoveLog& moves() { return moves_; }

  /// Calls `visit` with the counters of each worker.
  template <class Visit>
  void visit_counters(Visit visit) const {
    for (const auto& worker : workers_) visit(worker->counters());
  }
  /// Of one pool: a worker that a reload has not reached yet has none.
  template <class Visit>
  void visit_counters(conf::PoolId pool, Visit visit) const {
    visit_counters([&](const proxy::Counters& counters) {
      if (const proxy::PoolCounters* const found = counters.pool.find(conf::index(pool))) visit(*found);
    });
  }
  /// Of one backend, likewise.
  template <class Visit>
  void visit_counters(conf::BackendId backend, Visit visit) const {
    visit_counters([&](const proxy::Counters& counters) {
      if (const proxy::BackendCounters* const found = counters.backend.find(conf::index(backend))) visit(*found);
    });
  }

 private:
  // Worker::Owner, on the thread of a worker
  void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row,
                          std::uint32_t threshold) override;
  void on_backend_success(conf::BackendId backend) override;
  void on_request_lost(const proxy::LostRequest& lost) override;
  void on_suspect_answered(const proxy::Fingerprint& fingerprint) override;
  void on_drained() override;
  void on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) override;
  void on_link(const redis::RedisState& state) override;

  // LoopWatch::Owner
  void on_ask(std::size_t worker) override;
  void on_all_turning() override;

  base::Scheduler& loop_;
  Owner& owner_;
  Listener* listener_ = nullptr;
  proxy::Loads loads_;  // by BackendId
  proxy::ConcurrencyLimits concurrency_;
  sessions::MoveLog moves_;
  const std::unique_ptr<proxy::SafeKinds> safe_kinds_;
  std::atomic<std::uint32_t> connections_{0};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t drained_ = 0;
  std::unique_ptr<LoopWatch> loop_watch_;
};

}  // namespace holdfast::server
