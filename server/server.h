#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "admin/timeline.h"
#include "base/random.h"
#include "base/result.h"
#include "conf/settings.h"
#include "net/loop.h"
#include "net/signals.h"
#include "net/tcp_dialer.h"
#include "redis/hub.h"
#include "server/access_log.h"
#include "server/admin_endpoint.h"
#include "server/backend_control.h"
#include "server/clock_watch.h"
#include "server/old_process.h"
#include "server/phase.h"
#include "server/reload.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/upgrade.h"
#include "server/workers.h"
#include "sessions/keyring.h"

namespace holdfast::server {

/// The whole proxy process: the control loop on the calling thread, and the parts that live there. It starts and ends
/// them in order, opens listeners, obeys signals, and knows which phase the process is in.
class Server final : private Workers::Owner,
                     private BackendControl::Owner,
                     private Upgrade::Owner,
                     private Reload::Owner {
 public:
  /// How the process came to be.
  struct Origin {
    ReadConfig read;                          ///< Reads the settings again, for a reload.
    std::vector<std::string> words;           ///< The command line; an upgrade starts the new process with it.
    std::unique_ptr<OldProcess> old_process;  ///< nullptr: we replace nobody.
  };
  Server(std::shared_ptr<const conf::Settings> settings, std::string_view secret, Origin origin);
  ~Server() override;

  /// Runs until a signal, or an upgrade, ends it. Errors: what keeps it from starting, with the address or path in
  /// question.
  base::Result<void> run();

 private:
  base::Result<void> start();
  base::Result<void> open_access_log();
  void start_backends(const std::vector<net::Address>& addresses);
  base::Result<void> open_listeners(const std::vector<net::Address>& addresses);
  base::Result<void> open_admin();
  base::Instant first_probes_due();
  void open_when_probed();
  void open();
  BackendControl::Acting acting() const;
  void on_tick();
  /// Any thread.
  void on_timeline_grown();

  void on_signal(int number);
  void reopen_logs();
  std::string_view upgrade_hindrance() const;
  void upgrade();
  void drain();
  void stop();

  // Workers::Owner
  void on_all_drained() override;
  void on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) override {
    upgrade_.on_change(worker, number, change);
  }
  void on_worker_link(const redis::RedisState& state) override { sessions_.on_worker_link(state); }

  // BackendControl::Owner
  void on_view(std::shared_ptr<const health::View> view) override;

  // Upgrade::Owner
  void on_begin() override;
  void on_handed_over() override;
  void on_reopen_logs() override { reopen_logs(); }

  // Reload::Owner
  Reload::Moment moment() const override;
  void on_new_config(NewConfig fresh) override;

  std::atomic<bool> is_nudged_{false};  // the admin listener will soon look at the timeline
  admin::Timeline timeline_;
  const sessions::Keyring keyring_;
  net::Loop loop_;
  net::TcpDialer dialer_{loop_};
  base::Random random_;
  RunningConfig config_;
  std::unique_ptr<redis::RedisHub> hub_;  // with [redis]
  const StartTime started_;
  SessionControl sessions_;
  std::unique_ptr<AccessLog> access_log_;  // nullptr: off
  Workers workers_;
  std::unique_ptr<net::Signals> signals_;
  std::unique_ptr<BackendControl> backends_;  // since start()
  Upgrade upgrade_;
  Reload reload_;
  std::unique_ptr<AdminEndpoint> admin_;   // nullptr: off
  std::unique_ptr<base::Timer> open_;      // the latest moment to begin serving
  std::unique_ptr<base::Timer> deadline_;  // of an orderly stop
  std::unique_ptr<base::Timer> tick_;
  ClockWatch clock_;
  Phase phase_ = Phase::Starting;
  bool is_probed_ = false;  // every backend was probed, or had the time to be
};

}  // namespace holdfast::server
