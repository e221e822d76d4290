#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "admin/access.h"
#include "admin/history.h"
#include "admin/latency_window.h"
#include "admin/live.h"
#include "admin/reload_api.h"
#include "admin/roll_api.h"
#include "admin/session_api.h"
#include "admin/timeline.h"
#include "admin/view.h"
#include "base/result.h"
#include "conf/reader.h"
#include "conf/reload.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/signals.h"
#include "net/tcp_dialer.h"
#include "proxy/concurrency_limits.h"
#include "proxy/load.h"
#include "proxy/snapshot.h"
#include "redis/hub.h"
#include "server/access_log.h"
#include "server/clock_watch.h"
#include "server/cluster_control.h"
#include "server/drains.h"
#include "server/failover_watch.h"
#include "server/full_watch.h"
#include "server/loop_watch.h"
#include "server/new_process.h"
#include "server/old_process.h"
#include "server/password_check.h"
#include "server/quarantine_control.h"
#include "server/reloader.h"
#include "server/session_control.h"
#include "server/silence_watch.h"
#include "server/worker.h"
#include "web/server.h"

namespace holdfast::server {

/// The whole proxy process: the control loop on the calling thread (probes, cluster, admin, signals), and the workers.
class Server final : private health::Monitor::Listener,
                     private admin::StatusSource,
                     private admin::OperatorService,
                     private admin::SessionService,
                     private admin::ReloadService,
                     private admin::RollService,
                     private NewProcess::Owner,
                     private OldProcess::Owner {
 public:
  /// How the process came to be.
  struct Origin {
    ReadConfig read;                          ///< Gives the settings anew, when a reload is asked for.
    std::vector<std::string> words;           ///< Of the command line: an upgrade starts the new process by them.
    std::unique_ptr<OldProcess> old_process;  ///< nullptr: we replace nobody.
  };
  Server(std::shared_ptr<const conf::Settings> settings, std::string_view secret, Origin origin);
  ~Server() override;

  /// Runs until a signal, or an upgrade, ends it. Errors: what keeps it from starting, with the address or path in
  /// question.
  base::Result<void> run();

 private:
  enum class Phase : std::uint8_t {
    Starting,
    Serving,
    Leaving,  ///< A new process serves; we finish what is under way.
    Draining,
    Stopping
  };

  base::Result<void> start();
  base::Result<void> open_listeners(const std::vector<net::Address>& addresses);
  /// One socket a worker. MayBeOurs: listeners of ours have the port already, on another address.
  enum class Port : std::uint8_t { MustBeFree, MayBeOurs };
  base::Result<std::vector<net::BoundSocket>> bind(net::Address address, Port port) const;
  base::Result<std::vector<net::BoundSocket>> take_over_or_bind(std::size_t listen, const net::Address& address);
  base::Result<net::BoundSocket> take_over_or_bind_admin();
  base::Result<void> open_admin();
  void start_workers();
  void open_when_probed();
  void open();
  void watch_loops();
  void on_signal(int number);
  void drain();
  void stop();
  void on_worker_drained();
  // Calls `step` of all workers, then, when all are done, `then`.
  void on_all_workers(void (Worker::*step)(Worker::Done), std::function<void()> then);
  void on_tick();
  void watch_limits(base::Instant now);
  std::uint64_t sessions_refused(conf::PoolId id) const;

  // An upgrade, as the old process.
  void upgrade();
  void start_new_process(std::vector<NewProcess::Socket> sockets);
  void step_aside();
  void hand_over();
  void on_change(std::size_t from, std::uint64_t number, const sessions::SessionChange& change);
  void undo_upgrade();
  void decide_alone();
  // Does `then`, if the upgrade is still the same.
  std::function<void()> in_this_upgrade(std::function<void()> then);
  void on_new_process_ready(const std::vector<std::string>& unclaimed) override;
  void on_sessions_taken() override;
  void on_new_process_failed(const std::string& reason) override;
  void on_new_process_gone() override;
  void on_told(std::uint64_t number, const sessions::BindResult& holds) override;
  void on_reopen_logs() override { reopen_logs(); }
  void reopen_logs();
  // As the new one.
  void on_sessions_received(const std::vector<sessions::SessionRecord>& sessions) override;
  void on_begin() override;
  void on_asked(std::uint64_t number, const sessions::SessionChange& change) override;
  void on_old_process_gone() override;

  // admin::ReloadService
  using NewSockets = std::map<std::size_t, std::vector<net::BoundSocket>>;
  void reload(admin::ReloadWish wish, admin::ReloadService::Done done) override;
  void reload_by_signal();
  std::string_view reload_hindrance() const;
  base::Result<admin::ReloadReport> consider(Candidate candidate, admin::ReloadWish wish);
  base::Result<NewSockets> open_new_listeners(const Candidate& candidate) const;
  void put_in_force(Candidate candidate, NewSockets& opened);  // takes the sockets

  // health::Monitor::Listener
  void on_view(std::shared_ptr<const health::View> view) override;
  void on_event(const health::Event& event) override;
  void on_observation(conf::BackendId backend) override { control_->on_observation(backend); }
  void on_probed(conf::BackendId backend, health::Reason reason, base::Instant began) override {
    quarantine_.on_probed(backend, reason, began);
  }
  void forget_failures(const health::View& view);
  // admin::StatusSource
  admin::StatusView status() const override;
  admin::StatusView states() const override;
  admin::BackendView backend(std::size_t pool, std::size_t backend) const override;
  admin::Readiness readiness() const override;
  admin::ClusterView cluster() const override { return control_->view(ClusterControl::Observations::Shown); }
  // admin::OperatorService
  void obey(const admin::OperatorAsk& ask, admin::OperatorService::Done done) override;
  // admin::RollService
  void take_roll(const admin::RollAsk& ask, admin::RollService::Done done) override;
  void end_roll(const std::string& pool, const std::string& id) override { control_->rolls().release(pool, id); }
  base::Duration roll_lease() const override { return cluster::RollLeases::kLease; }
  // admin::SessionService
  sessions::Registry& registry() override { return sessions_.registry(); }
  sessions::MoveLog& moves() override { return moves_; }
  void count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) override;
  sessions::BackendTag tag_of(std::string_view pool, std::string_view backend) const override {
    return keyring_.backend_tag(pool, backend);
  }
  std::string configuration() const override { return conf::dump_settings(*settings_); }
  void nudge_live();
  void watch_failovers(base::Instant now);
  void note_history(base::Instant now);
  admin::BackendView backend_status(conf::BackendId id) const;
  admin::BackendView backend_state(conf::BackendId id) const;
  void add_probes(admin::BackendView& view, conf::BackendId id) const;
  void add_counts(admin::BackendView& view, conf::BackendId id) const;
  base::Histogram::Counts first_byte_counts(conf::BackendId id) const;
  base::Histogram::Counts total_counts(conf::PoolId id) const;
  admin::StatusView view_with(admin::BackendView (Server::*look)(conf::BackendId) const) const;
  admin::StatusView frame() const;
  admin::PoolView pool_status(const conf::Pool& pool) const;
  admin::ClientsView clients_status() const;

  std::atomic<bool> is_live_nudged_{false};
  admin::Timeline timeline_;
  std::shared_ptr<const conf::Settings> settings_;
  sessions::Keyring keyring_;
  net::Loop loop_;
  net::TcpDialer dialer_{loop_};
  base::Random random_;
  const base::Instant started_;
  const base::WallTime started_at_ = base::wall_now();
  std::unique_ptr<OldProcess> old_process_;
  std::unique_ptr<redis::RedisHub> hub_;  // with [redis]
  SessionControl sessions_;
  conf::Numbering numbering_;
  proxy::Loads loads_;  // by BackendId
  proxy::ConcurrencyLimits concurrency_;
  sessions::MoveLog moves_;
  OrderedMoves ordered_moves_;
  const std::unique_ptr<proxy::SafeKinds> safe_kinds_ = std::make_unique<proxy::SafeKinds>();
  std::atomic<std::uint32_t> connections_{0};
  std::unique_ptr<AccessLog> access_log_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  std::unique_ptr<net::Signals> signals_;
  std::unique_ptr<health::Monitor> monitor_;
  std::unique_ptr<ClusterControl> control_;
  std::unique_ptr<Drains> drains_;
  std::shared_ptr<const health::View> last_view_;
  QuarantineControl quarantine_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<SilenceWatch> silence_;
  FailoverWatch failovers_;
  std::map<std::string, FullWatch> full_watches_;  // by pool, where it has limits
  admin::History history_;
  std::vector<admin::LatencyWindow> backend_windows_;  // by BackendId
  std::vector<admin::LatencyWindow> pool_windows_;     // by PoolId
  admin::Live live_;
  PasswordCheck passwords_{loop_};
  std::unique_ptr<admin::Access> access_;
  std::unique_ptr<web::Server> admin_;
  std::unique_ptr<net::Listener> admin_listener_;
  std::unique_ptr<base::Timer> open_;      // the latest moment to begin serving
  std::unique_ptr<base::Timer> deadline_;  // of an orderly stop
  std::unique_ptr<base::Timer> tick_;
  Reloader reloader_;
  bool is_reload_due_ = false;  // by a signal that came too early
  admin::ReloadView last_reload_;
  ClockWatch clock_;
  const std::vector<std::string> words_;
  std::unique_ptr<NewProcess> new_process_;
  std::uint64_t upgrades_ = 0;          // begun so far: tells one from the next
  std::vector<std::string> unclaimed_;  // addresses the new process has no use for
  bool is_map_suspended_ = false;       // workers decide nothing; what they ask waits or goes to the new process
  bool is_stepping_aside_ = false;      // workers accept nobody
  // A change on its way to the new process, or waiting for it to begin.
  struct Asked {
    std::size_t from = 0;  // worker; kOldProcess
    std::uint64_t number = 0;
    sessions::SessionChange change;
  };
  static constexpr std::size_t kOldProcess = ~std::size_t{0};
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t last_asked_ = 0;
  bool is_probed_ = false;  // each backend has been looked at, or had the time to be
  bool may_begin_ = true;   // false: the old process still serves
  std::unique_ptr<LoopWatch> loop_watch_;
  Phase phase_ = Phase::Starting;
  std::size_t drained_ = 0;
  base::Instant history_due_{};
  base::Instant windows_due_{};
};

}  // namespace holdfast::server
