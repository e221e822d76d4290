#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "admin/quarantine_api.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "proxy/quarantine.h"
#include "proxy/quarantine_book.h"
#include "redis/hub.h"
#include "server/quarantine_share.h"

namespace holdfast::server {

/// Finds out whether a backend has died when requests were lost with it, lets the book judge them, and tells the
/// workers whom not to pass on; with [redis], all proxies know of it. Owned by BackendControl, on the control loop;
/// what it is given outlives it.
class QuarantineControl final : public admin::QuarantineService, private QuarantineShare::Owner {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// An operator has taken the backend out, or is about to: what dies there then was killed by nobody.
    virtual bool is_ordered(conf::BackendId backend) const = 0;
    /// For the workers.
    virtual void on_quarantine(std::shared_ptr<const proxy::QuarantineView> view) = 0;
  };

  QuarantineControl(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler, Owner& owner);

  /// With [redis], before the hub starts.
  void share(redis::RedisHub& hub);
  void reload(std::shared_ptr<const conf::Settings> settings) { settings_ = std::move(settings); }
  void on_lost(const proxy::LostRequest& lost);
  void on_answered(const proxy::Fingerprint& fingerprint);
  void on_probed(conf::BackendId backend, health::Reason reason, base::Instant began);
  /// Once a second.
  void on_tick();

  // admin::QuarantineService
  std::vector<admin::QuarantinedRequest> quarantined() const override;
  bool release(std::string_view id, std::string_view by) override;

  std::size_t count() const { return book_.quarantined(); }

  static constexpr std::size_t kLostMax = 10'000;  ///< Of one backend, not judged yet: beyond it nobody is noted.

 private:
  struct Watched {
    std::vector<proxy::LostRequest> lost;  // not judged yet, in the order they were told
    std::optional<base::Instant> judge_at;
    bool is_late = false;            // what is judged then has come after its death was judged
    bool is_dead = false;            // judged; no good probe since
    std::uint64_t crash_number = 0;  // which of all
  };

  // QuarantineShare::Owner
  void on_shared(const proxy::QuarantineBook::Entry& entry) override;
  void on_released(std::string_view id) override;

  Watched& watched(conf::BackendId backend);
  void acquit(conf::BackendId backend, base::Instant until);
  void judge_soon(Watched& backend);
  void judge_due();
  void judge(conf::BackendId backend);
  void set_judged(conf::BackendId backend, base::Instant until);
  void publish();
  void publish_soon();

  std::shared_ptr<const conf::Settings> settings_;
  base::Scheduler& scheduler_;
  Owner& owner_;
  proxy::QuarantineBook book_;
  std::vector<Watched> watched_;  // by BackendId
  std::uint64_t crashes_ = 0;
  std::vector<base::Instant> judged_;   // by BackendId
  std::unique_ptr<base::Timer> judge_;  // the next of watched_
  std::unique_ptr<base::Timer> publish_timer_;
  std::unique_ptr<QuarantineShare> share_;  // with [redis]
};

}  // namespace holdfast::server
