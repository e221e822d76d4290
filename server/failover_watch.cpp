#include "server/failover_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace holdfast::server {

FailoverWatch::FailoverWatch(std::shared_ptr<const conf::Settings> settings) { reload(std::move(settings)); }

void FailoverWatch::reload(std::shared_ptr<const conf::Settings> settings) {
  settings_ = std::move(settings);
  quiet_.resize(settings_->backend_ids());
  was_well_.resize(settings_->backend_ids());
  std::erase_if(known_, [this](const Failover& failover) { return !settings_->has(failover.backend); });
}

FailoverWatch::Failover* FailoverWatch::open_one(conf::BackendId backend) {
  for (Failover& failover : known_) {
    if (failover.backend == backend && !failover.is_over) return &failover;
  }
  return nullptr;
}

void FailoverWatch::on_event(const health::Event& event, base::Instant now, base::WallTime wall) {
  using Kind = health::Event::Kind;
  Failover* const open = open_one(event.backend);
  if (event.kind == Kind::Up && open != nullptr) {
    open->is_over = true;
    if (!open->is_told) notify(*open);
  }
  if ((event.kind != Kind::Down && event.kind != Kind::Ejected) || open != nullptr) return;
  if (!was_well_[conf::index(event.backend)]) return;
  Failover failover;
  failover.backend = event.backend;
  failover.reason = event.reason;
  failover.began = now - event.since;
  failover.began_wall = wall - std::chrono::duration_cast<std::chrono::milliseconds>(event.since);
  failover.noticed = failover.changed = now;
  known_.push_front(failover);
  if (known_.size() > kKept) known_.pop_back();
}

void FailoverWatch::on_tick(base::Instant now, const std::function<bool(conf::BackendId)>& is_well,
                            const NumbersOf& numbers) {
  for (const conf::Backend& backend : settings_->backends) {
    const conf::BackendId id = backend.id;
    Failover* const open = open_one(id);
    if (open != nullptr) {
      update(*open, numbers(id), now);
    } else if (is_well(id)) {
      quiet_[conf::index(id)] = numbers(id);
      was_well_[conf::index(id)] = true;
    }
  }
}

void FailoverWatch::update(Failover& failover, const Numbers& counted, base::Instant now) {
  const Numbers& quiet = quiet_[conf::index(failover.backend)];
  // A request may have met the failure before the control loop heard of it.
  if (counted.failing_since > quiet.failing_since && counted.failing_since < failover.began) {
    failover.began_wall -=
        std::chrono::duration_cast<std::chrono::milliseconds>(failover.began - counted.failing_since);
    failover.began = counted.failing_since;
  }
  Numbers cost = counted;
  cost.moved -= quiet.moved;
  cost.failed -= quiet.failed;
  cost.rescued -= quiet.rescued;
  const auto sum = [](const Numbers& n) { return n.moved + n.failed + n.rescued; };
  if (sum(cost) != sum(failover.cost)) failover.changed = now;
  failover.cost = cost;
  if (!failover.is_told && sum(cost) > 0 && now - failover.changed >= kSettled) notify(failover);
}

void FailoverWatch::notify(Failover& failover) const {
  failover.is_told = true;
  const admin::FailoverView view = view_of(failover);
  if (view.users_moved + view.rescued + view.failed == 0) return;
  base::log::info("failover", {{"pool", view.pool},
                               {"backend", view.backend},
                               {"reason", view.reason},
                               {"noticed_ms", base::count_ms(view.noticed)},
                               {"users_moved", view.users_moved},
                               {"requests_rescued", view.rescued},
                               {"requests_failed", view.failed},
                               {"failover_ms", view.took ? base::count_ms(*view.took) : -1},
                               {"longest_wait_ms", view.longest_wait ? base::count_ms(*view.longest_wait) : -1}});
}

std::vector<admin::FailoverView> FailoverWatch::views() const {
  std::vector<admin::FailoverView> out;
  for (const Failover& failover : known_) out.push_back(view_of(failover));
  return out;
}

admin::FailoverView FailoverWatch::view_of(const Failover& failover) const {
  admin::FailoverView view;
  view.pool = settings_->pool_of(failover.backend).name;
  view.backend = settings_->backend(failover.backend).name;
  view.reason = name_of(failover.reason);
  view.began = failover.began_wall;
  view.noticed = failover.noticed - failover.began;
  view.users_moved = failover.cost.moved;
  view.rescued = failover.cost.rescued;
  view.failed = failover.cost.failed;
  if (view.rescued > 0) {
    view.took = std::max(base::Duration{}, failover.cost.last_rescue - failover.began);
    view.longest_wait = failover.cost.longest_wait;
  }
  view.is_over = failover.is_over;
  return view;
}

}  // namespace holdfast::server
