#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "server/new_process.h"
#include "server/old_process.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/workers.h"

namespace holdfast::server {

/// A new process takes over from an old one: both sides of it, as each process is first the new one and perhaps later
/// the old one (docs/upgrade.md). While both serve, changes to the session map go through here.
///
/// Owned by Server, on the control loop; what it is given outlives it.
class Upgrade final : private NewProcess::Owner, private OldProcess::Owner {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// As the new process: the old one accepts no more, or has died.
    virtual void on_begin() = 0;
    /// As the old process: the new one serves, and there is no way back. The workers leave next.
    virtual void on_handed_over() = 0;
    /// The new process was told to reopen its logs. Ours are the same files.
    virtual void on_reopen_logs() = 0;
  };
  struct Parts {
    net::Loop& loop;
    const RunningConfig& config;
    SessionControl& sessions;
    Workers& workers;
    Owner& owner;
  };
  /// `words` are the command line: the new process is started with it. `old_process`: nullptr if we replace nobody.
  Upgrade(const Parts& parts, std::vector<std::string> words, std::unique_ptr<OldProcess> old_process);
  ~Upgrade() override;

  // As the new process.
  /// nullptr: there is none, or no more.
  OldProcess* old_process() { return old_process_.get(); }
  /// What the old process sends is received from now on.
  void attach();
  /// False: the old process still serves.
  bool may_begin() const { return may_begin_; }
  /// We could serve: on_begin() follows. Only while may_begin() is false.
  void notify_ready() { old_process_->notify_ready(); }
  /// We cannot start.
  void notify_failed(const std::string& reason);
  void notify_reopen_logs();

  // As the old process.
  /// Starts the new process. `sockets` are those that are not the workers'. Not while one is under way.
  void start(std::vector<NewProcess::Socket> sockets);
  /// There is a new process, whether it serves already or not.
  bool is_under_way() const { return new_process_ != nullptr; }
  /// Ends the new process, if there is one. Not after on_handed_over().
  void cancel();

  /// A worker asks what becomes of a change to the session map (Worker::suspend).
  void on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change);

 private:
  // A change on its way to the new process, or waiting for it to begin.
  struct Asked {
    std::size_t from = 0;  // worker; kOldProcess
    std::uint64_t number = 0;
    sessions::SessionChange change;
  };
  static constexpr std::size_t kOldProcess = ~std::size_t{0};

  void add_sockets(std::vector<Worker::PassedSocket> passed, std::vector<NewProcess::Socket>& sockets) const;
  void start_process(std::vector<NewProcess::Socket> sockets);
  void step_aside();
  void hand_over();
  std::vector<std::size_t> unclaimed_listens() const;
  void undo();
  void decide_alone();
  // Does `then`, if the upgrade is still the same.
  std::function<void()> in_this_upgrade(std::function<void()> then);

  // NewProcess::Owner
  void on_new_process_ready(const std::vector<std::string>& unclaimed) override;
  void on_sessions_taken() override { step_aside(); }
  void on_new_process_failed(const std::string& reason) override;
  void on_new_process_gone() override;
  void on_told(std::uint64_t number, const sessions::BindResult& holds) override;
  void on_reopen_logs() override { parts_.owner.on_reopen_logs(); }

  // OldProcess::Owner
  void on_sessions_received(const std::vector<sessions::SessionRecord>& sessions) override;
  void on_begin() override;
  void on_asked(std::uint64_t number, const sessions::SessionChange& change) override;
  void on_old_process_gone() override;

  const Parts parts_;
  const std::vector<std::string> words_;
  std::unique_ptr<OldProcess> old_process_;
  bool may_begin_;
  std::unique_ptr<NewProcess> new_process_;
  std::uint64_t upgrades_ = 0;          // begun so far: tells one from the next
  std::vector<std::string> unclaimed_;  // addresses the new process has no use for
  bool is_map_suspended_ = false;       // workers decide nothing; what they ask waits or goes to the new process
  bool is_stepping_aside_ = false;      // workers accept nobody
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t last_asked_ = 0;
};

}  // namespace holdfast::server
