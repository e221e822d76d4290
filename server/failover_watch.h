#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "admin/view.h"
#include "conf/settings.h"
#include "health/report.h"

namespace holdfast::server {

/// Measures what a backend's failure cost users, from the first failure seen to the first good response of the last
/// request it hit. Pure but for one log line: numbers and times are handed in. Lives on the control loop.
class FailoverWatch {
 public:
  static constexpr std::size_t kKept = 20;
  static constexpr base::Duration kSettled = std::chrono::seconds{2};

  /// Of one backend, since the start of the process.
  struct Numbers {
    std::uint64_t moved = 0;        ///< Sessions moved away.
    std::uint64_t failed = 0;       ///< Attempts that failed and were not made again elsewhere.
    std::uint64_t rescued = 0;      ///< Requests that failed here and got a good response elsewhere.
    base::Instant failing_since{};  ///< The first failure of the last row of them.
    base::Instant last_rescue{};
    base::Duration longest_wait{};
  };
  using NumbersOf = std::function<Numbers(conf::BackendId)>;

  explicit FailoverWatch(std::shared_ptr<const conf::Settings> settings);
  /// Failovers of backends that are gone are forgotten.
  void reload(std::shared_ptr<const conf::Settings> settings);

  /// Each change of a backend's health.
  void on_event(const health::Event& event, base::Instant now, base::WallTime wall);
  /// Once a second. `is_well`: no sign of trouble at that backend now. Says of each failover what it came to once
  /// nothing has happened for kSettled.
  void on_tick(base::Instant now, const std::function<bool(conf::BackendId)>& is_well, const NumbersOf& numbers);
  /// The newest first.
  std::vector<admin::FailoverView> views() const;

 private:
  struct Failover {
    conf::BackendId backend{};
    health::Reason reason = health::Reason::None;
    base::Instant began{};
    base::WallTime began_wall{};
    base::Instant noticed{};
    base::Instant changed{};  // the last time a number moved
    Numbers cost;             // since it began
    bool is_over = false;
    bool is_told = false;
  };

  Failover* open_one(conf::BackendId backend);
  void update(Failover& failover, const Numbers& now_counted, base::Instant now);
  void notify(Failover& failover) const;
  admin::FailoverView view_of(const Failover& failover) const;

  std::shared_ptr<const conf::Settings> settings_;
  std::vector<Numbers> quiet_;  // by BackendId: when it was last well
  std::vector<bool> was_well_;  // by BackendId: who has never been has nobody to fail
  std::deque<Failover> known_;  // the newest in front
};

}  // namespace holdfast::server
