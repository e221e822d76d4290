#include "server/drains.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"

namespace holdfast::server {

namespace {

using health::OperatorOrder;
using health::OperatorState;
using Stage = DrainFacts::Stage;

Stage stage_of(const OperatorOrder& order) {
  if (order.state == OperatorState::Drain) return Stage::Draining;
  return order.deadline ? Stage::Overdue : Stage::Maint;
}

}  // namespace

Drains::Kept& Drains::kept(conf::BackendId backend) {
  if (kept_.size() <= conf::index(backend)) kept_.resize(conf::index(backend) + 1);
  return kept_[conf::index(backend)];
}

void Drains::on_tick(const proxy::Snapshot& snapshot) {
  for (const conf::Backend& backend : snapshot.settings->backends) {
    const OperatorOrder& order = parts_.monitor.order(backend.id);
    kept(backend.id).was_out =
        order.state != OperatorState::Ready && (kept(backend.id).was_out || order.at < parts_.started);
    if (order.state == OperatorState::Ready) continue;
    see_to(snapshot, backend);
  }
}

std::optional<DrainFacts> Drains::facts(const proxy::Snapshot& snapshot, conf::BackendId id) const {
  const OperatorOrder& order = parts_.monitor.order(id);
  if (order.state == OperatorState::Ready) return std::nullopt;
  const conf::Settings& settings = *snapshot.settings;
  const conf::Pool& pool = settings.pool_of(id);
  DrainFacts facts;
  facts.stage = stage_of(order);
  const Kept known = conf::index(id) < kept_.size() ? kept_[conf::index(id)] : Kept{};
  const base::Instant now = std::chrono::steady_clock::now();
  if (known.overdue_since) facts.overdue = now - *known.overdue_since;
  facts.is_moving = known.is_moving;
  facts.is_sticky = pool.sticky.mode != conf::StickyMode::None;
  facts.is_movable = pool.sticky.failover == conf::FailoverMode::Move;
  facts.sessions = parts_.sessions.size_of(snapshot.tag_of(id));
  // In memory are those who have come since the start: the others come back by their cookies.
  const bool began_before_us =
      !parts_.sessions.is_shared() && known.was_out && now - parts_.began < settings.sessions.idle_timeout;
  facts.is_counted = !facts.is_sticky || (parts_.sessions.knows_all() && !began_before_us);
  const bool is_ours = !parts_.sessions.is_shared() || parts_.control.acts_for_all();
  facts.may_move = is_ours && !takers(snapshot, id).empty();
  const std::string name = pool.name + "/" + settings.backend(id).name;
  facts.requests = parts_.control.requests_elsewhere(name);
  if (facts.requests) *facts.requests += parts_.loads[conf::index(id)].in_flight.load(std::memory_order_relaxed);
  return facts;
}

/// The others of the pool that are UP; the backups among them only where there is nobody else.
std::vector<sessions::BackendTag> Drains::takers(const proxy::Snapshot& snapshot, conf::BackendId from) const {
  std::vector<sessions::BackendTag> first;
  std::vector<sessions::BackendTag> backups;
  const auto view = parts_.monitor.view();
  for (const conf::Backend& other : snapshot.settings->backends_of(snapshot.settings->pool_of(from))) {
    if (other.id == from || other.weight == 0 || !health::may_take_new(view->of(other.id).state)) continue;
    (other.backup ? backups : first).push_back(snapshot.tag_of(other.id));
  }
  return first.empty() ? backups : first;
}

void Drains::see_to(const proxy::Snapshot& snapshot, const conf::Backend& backend) {
  const OperatorOrder& order = parts_.monitor.order(backend.id);
  Kept& now = kept(backend.id);
  if (now.ordered != order.at) now = Kept{.ordered = order.at, .was_out = now.was_out, .is_moving = now.is_moving};
  if (stage_of(order) == Stage::Overdue && !now.overdue_since) now.overdue_since = std::chrono::steady_clock::now();
  const auto known = facts(snapshot, backend.id);
  if (!known) return;
  const DrainStep step = drain_step(*known);
  if (step.moves) move_all(snapshot, backend);
  if (step.ends_long) parts_.monitor.end_long(backend.id);
  if (!step.is_over || std::exchange(now.is_over, true) || known->stage == Stage::Maint) return;
  base::log::info("backend_drained",
                  {{"pool", snapshot.settings->pool_of(backend.id).name},
                   {"backend", backend.name},
                   {"sessions", known->sessions},
                   {"moved", now.moved},
                   {"took_ms", std::max<std::int64_t>(0, base::count_ms(base::wall_now() - order.at))}});
}

void Drains::move_all(const proxy::Snapshot& snapshot, const conf::Backend& backend) {
  kept(backend.id).is_moving = true;
  const std::string& pool = snapshot.settings->pool_of(backend.id).name;
  parts_.sessions.registry().clear(pool, snapshot.tag_of(backend.id), takers(snapshot, backend.id),
                                   [this, id = backend.id, pool, name = backend.name](
                                       const base::Result<sessions::Effect>& done) { on_moved(id, pool, name, done); });
}

/// What could not be done is tried again with the next tick.
void Drains::on_moved(conf::BackendId backend, const std::string& pool, const std::string& name,
                      const base::Result<sessions::Effect>& done) {
  Kept& now = kept(backend);
  now.is_moving = false;
  if (!done || done->sessions == 0) return;
  now.moved += done->sessions;
  parts_.moves.note(backend, health::reason_to_move(health::State::Maint), done->sessions);
  base::log::info("drain_moved", {{"pool", pool}, {"backend", name}, {"sessions", done->sessions}});
}

std::optional<admin::DrainView> Drains::view(const proxy::Snapshot& snapshot, conf::BackendId id) const {
  const auto known = facts(snapshot, id);
  if (!known) return std::nullopt;
  const base::Duration idle_timeout = snapshot.settings->sessions.idle_timeout;
  admin::DrainView view;
  view.is_over = drain_step(*known).is_over;
  view.is_counted = known->is_counted;
  view.long_lived = parts_.loads[conf::index(id)].long_lived.load(std::memory_order_relaxed);
  const std::uint64_t own = parts_.loads[conf::index(id)].in_flight.load(std::memory_order_relaxed);
  if (known->requests) view.requests_elsewhere = *known->requests - std::min(own, *known->requests);
  if (const auto usage = parts_.sessions.usage_of(snapshot.tag_of(id))) {
    view.active = usage->active_of(known->sessions);
    view.idle = known->sessions - view.active;
    if (usage->idle_for && view.idle > 0) {
      view.idle_gone_in = std::max(idle_timeout - *usage->idle_for, base::Duration::zero());
    }
  } else {
    view.active = known->sessions;
  }
  return view;
}

}  // namespace holdfast::server
