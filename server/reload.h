#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/reload_api.h"
#include "admin/view.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "server/reloader.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/workers.h"

namespace holdfast::server {

/// New settings, checked as a whole and ready to be put in force. Their listeners are open.
struct NewConfig {
  std::shared_ptr<const conf::Settings> settings;
  std::vector<net::Address> addresses;              ///< By BackendId.
  std::vector<std::string> pages;                   ///< Maintenance pages, by PoolId.
  std::vector<std::optional<std::size_t>> listens;  ///< For each old listener its new number, if it stays.
  Workers::Sockets opened;                          ///< Of new listeners, by their number.
};

/// Reads the configuration again when somebody asks for it, and reports the result. Owned by Server, on the control
/// loop; what it is given outlives it.
class Reload final : public admin::ReloadService {
 public:
  /// Whether this is a moment for a reload.
  enum class Moment : std::uint8_t { Starting, Good, Upgrading, Stopping };
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    virtual Moment moment() const = 0;
    /// Puts it in force; RunningConfig is the new one afterwards. Cannot fail.
    virtual void on_new_config(NewConfig fresh) = 0;
  };
  struct Parts {
    base::Scheduler& loop;
    const RunningConfig& config;
    const SessionControl& sessions;
    const Workers& workers;
    Owner& owner;
  };
  /// `read` reads the settings again.
  Reload(const Parts& parts, ReadConfig read);

  // admin::ReloadService
  void reload(admin::ReloadWish wish, Done done) override;
  /// A signal that comes too early is obeyed later: the file may be newer than what is being read now.
  void reload_by_signal();
  /// The process serves: a signal that came too early is obeyed.
  void reload_if_due();

  bool is_under_way() const { return reloader_.is_under_way(); }
  const admin::ReloadView& last() const { return last_; }

 private:
  std::string_view hindrance() const;
  base::Result<admin::ReloadReport> consider(Candidate candidate, admin::ReloadWish wish);
  base::Result<Workers::Sockets> open_new_listeners(const Candidate& candidate) const;
  void put_in_force(Candidate candidate, Workers::Sockets opened);
  void note(const base::Result<admin::ReloadReport>& report);

  const Parts parts_;
  conf::Numbering numbering_;
  Reloader reloader_;
  bool is_due_ = false;  // by a signal that came too early
  admin::ReloadView last_;
};

}  // namespace holdfast::server
