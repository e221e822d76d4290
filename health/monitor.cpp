#include "health/monitor.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

namespace holdfast::health {

namespace {

bool is_same(const Verdict& a, const Verdict& b) {
  return a.state == b.state && a.suspect == b.suspect && a.up_since == b.up_since && a.slow_start == b.slow_start &&
         a.ends_long == b.ends_long && a.silent == b.silent;
}

base::LogLevel level_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::Up:
    case Event::Kind::Draining:
    case Event::Kind::Maint:
    case Event::Kind::Ready:
    case Event::Kind::Suspect:
    case Event::Kind::Starting:
      return base::LogLevel::Info;
    case Event::Kind::Sick:
    case Event::Kind::Down:
    case Event::Kind::Ejected:
      return base::LogLevel::Warn;
  }
  return base::LogLevel::Warn;
}

/// Nothing that a BackendWatch goes by has changed.
bool is_watched_alike(const conf::Pool& a, const conf::Pool& b) {
  return a.name == b.name && a.probe == b.probe && a.passive == b.passive && a.slow_start == b.slow_start;
}

void adjust(std::uint32_t& number, bool& counted, bool counts_now) {
  if (counted != counts_now) number += counts_now ? 1u : ~0u;
  counted = counts_now;
}

}  // namespace

Monitor::Monitor(std::shared_ptr<const conf::Settings> settings, const std::vector<net::Address>& addresses,
                 base::Scheduler& scheduler, net::Dialer& dialer, base::Random random, Listener& listener)
    : settings_(std::move(settings)),
      addresses_(addresses),
      scheduler_(scheduler),
      dialer_(dialer),
      random_(random),
      listener_(listener),
      publish_(scheduler.timer([this] { publish(); })) {
  base::check(addresses.size() == settings_->backend_ids(), "every backend has an address");
  count_all();
  watches_.resize(addresses.size());
  for (const conf::Backend& backend : settings_->backends) watch_anew(backend);
}

/// Room for all ids there are now, and the pools as they are now; counts begin at nothing.
void Monitor::count_all() {
  pools_.resize(settings_->pool_ids());
  for (WatchedPool& pool : pools_) {
    pool.count = {};
    pool.tally = {};
  }
  for (const conf::Pool& pool : settings_->pools) {
    auto& known = pools_[conf::index(pool.id)].settings;
    if (!known || !is_watched_alike(*known, pool)) known = std::make_shared<const conf::Pool>(pool);
  }
  counted_.assign(settings_->backend_ids(), {});
  next_.backends.resize(settings_->backend_ids());
  for (const conf::Backend& backend : settings_->backends) {
    WatchedPool& pool = pools_[conf::index(backend.pool)];
    ++pool.count.backends;
    if (backend.weight > 0) pool.tally.enter(State::Starting);
  }
}

BackendWatch::Target Monitor::target(const conf::Backend& backend) const {
  return {pools_[conf::index(backend.pool)].settings, backend, addresses_[conf::index(backend.id)]};
}

void Monitor::watch_anew(const conf::Backend& backend) {
  std::unique_ptr<BackendWatch>& place = watches_[conf::index(backend.id)];
  if (place) place->stop();
  place = std::make_unique<BackendWatch>(BackendWatch::Parts{scheduler_, dialer_, random_, *this}, target(backend));
  if (!is_started_) return;
  place->start();
  next_.backends[conf::index(backend.id)] = place->verdict();
}

void Monitor::reload(std::shared_ptr<const conf::Settings> settings, const std::vector<net::Address>& addresses) {
  const auto before = std::exchange(settings_, std::move(settings));
  const auto places = std::exchange(addresses_, addresses);
  std::vector<std::shared_ptr<const conf::Pool>> watched_by;
  for (const WatchedPool& pool : pools_) watched_by.push_back(pool.settings);
  count_all();
  watches_.resize(settings_->backend_ids());
  for (std::uint32_t i = 0; i < settings_->backend_ids(); ++i) {
    if (settings_->has(conf::BackendId{i})) continue;
    if (watches_[i]) watches_[i]->stop();
    watches_[i].reset();
    next_.backends[i] = {.state = State::Draining};
  }
  for (const conf::Backend& backend : settings_->backends) {
    const std::size_t at = conf::index(backend.id);
    const std::size_t pool = conf::index(backend.pool);
    if (!before->has(backend.id) || places[at] != addresses_[at]) {
      watch_anew(backend);
    } else if (pools_[pool].settings == watched_by[pool] &&
               before->backend(backend.id).probe_port == backend.probe_port) {
      on_changed(*watches_[at]);
    } else {
      watches_[at]->reconfigure(target(backend));
    }
  }
  publish();
}

Monitor::~Monitor() { stop(); }

void Monitor::start() {
  base::check(!is_started_, "a monitor starts once");
  is_started_ = true;
  for (const conf::Backend& backend : settings_->backends) watch(backend.id).start();
  publish();
}

void Monitor::stop() {
  is_started_ = false;
  publish_->cancel();
  for (const auto& watch : watches_) {
    if (watch) watch->stop();
  }
}

void Monitor::on_passive_failure(conf::BackendId backend, base::ErrorCode code, std::uint32_t in_a_row) {
  if (settings_->has(backend)) watch(backend).on_passive_failure(code, in_a_row);
}

void Monitor::on_passive_success(conf::BackendId backend) {
  if (settings_->has(backend)) watch(backend).on_passive_success();
}

void Monitor::on_silence(conf::BackendId backend, base::Duration lasted) {
  if (settings_->has(backend)) watch(backend).on_silence(lasted);
}

void Monitor::set_operator_state(conf::BackendId backend, const OperatorOrder& order) {
  if (settings_->has(backend)) watch(backend).set_order(order);
}

void Monitor::end_long(conf::BackendId backend) { watch(backend).end_long(); }

void Monitor::set_quorum(conf::BackendId backend, Quorum quorum, std::string_view words) {
  if (settings_->has(backend)) watch(backend).set_quorum(quorum, words);
}

void Monitor::set_share(const Share& share) {
  for (const conf::Backend& backend : settings_->backends) watch(backend.id).set_share(share);
}

void Monitor::look_now(conf::BackendId backend) {
  if (settings_->has(backend)) watch(backend).look_now();
}

void Monitor::set_isolation(Isolation isolation) {
  const bool is_isolated = isolation == Isolation::CutOff;
  if (std::exchange(next_.is_isolated, is_isolated) == is_isolated || !is_started_) return;
  publish_->set(scheduler_.now());
}

Report Monitor::report(conf::BackendId backend) const { return watch(backend).report(); }

bool Monitor::may_eject(conf::BackendId backend) {
  if (next_.is_isolated) return false;  // the requests fail because of us; an ejection would outlast that
  const conf::Pool& pool = settings_->pool_of(backend);
  return health::may_eject(pools_[conf::index(pool.id)].count, pool.passive.ejected_percent_max);
}

void Monitor::on_changed(const BackendWatch& watch) {
  const conf::Backend& backend = settings_->backend(watch.id());
  WatchedPool& pool = pools_[conf::index(backend.pool)];
  Counted& counted = counted_[conf::index(backend.id)];
  adjust(pool.count.serving, counted.serving, may_take_new(watch.verdict().state) && backend.weight > 0);
  adjust(pool.count.ejected, counted.ejected, watch.is_ejected());
  if (backend.weight > 0) {
    pool.tally.leave(counted.state);
    pool.tally.enter(watch.verdict().state);
  }
  counted.state = watch.verdict().state;

  Verdict& known = next_.backends[conf::index(backend.id)];
  if (is_same(known, watch.verdict())) return;
  known = watch.verdict();
  if (is_started_) publish_->set(scheduler_.now());
}

void Monitor::on_event(const Event& event) {
  log(event);
  listener_.on_event(event);
}

void Monitor::publish() {
  publish_->cancel();
  ++next_.version;
  judge_pools();
  view_ = std::make_shared<const View>(next_);
  listener_.on_view(view_);
}

// Here and not with each change: what takes one turn of the loop is one change.
void Monitor::judge_pools() {
  for (const conf::Pool& pool : settings_->pools) {
    WatchedPool& watched = pools_[conf::index(pool.id)];
    const PoolState before = std::exchange(watched.state, judge(watched.tally, watched.state));
    if (watched.state != before) publish_pool(pool.id, before);
  }
}

void Monitor::publish_pool(conf::PoolId id, PoolState before) {
  const conf::Pool& pool = settings_->pool(id);
  WatchedPool& watched = pools_[conf::index(id)];
  PoolEvent event{.pool = id};
  const base::LogField name{"pool", pool.name};
  if (watched.state == PoolState::Serving) {
    if (before == PoolState::Unknown) return;
    event.since = scheduler_.now() - watched.since;
    base::log::info(name_of(event.kind), {name, {"since_ms", base::count_ms(event.since)}});
    return listener_.on_pool_event(event);
  }
  if (before == PoolState::Unknown || before == PoolState::Serving) watched.since = scheduler_.now();
  const Report first = report(pool.first_backend);
  event.kind = watched.state == PoolState::FailOpen ? PoolEvent::Kind::FailOpen : PoolEvent::Kind::Closed;
  event.is_on_purpose = is_on_purpose(watched.tally);
  event.detail = first.detail;
  const base::LogLevel level = event.is_on_purpose ? base::LogLevel::Info : base::LogLevel::Error;
  base::log_line(level, name_of(event.kind),
                 {name,
                  {"sick", watched.tally.of(State::Sick)},
                  {"down", watched.tally.of(State::Down)},
                  {"maint", watched.tally.of(State::Maint)},
                  {"of", watched.tally.all()},
                  {"reason", name_of(first.reason)},
                  {"detail", event.detail}});
  listener_.on_pool_event(event);
}

void Monitor::log(const Event& event) const {
  const base::LogField pool{"pool", settings_->pool_of(event.backend).name};
  const base::LogField backend{"backend", settings_->backend(event.backend).name};
  const base::LogField reason{"reason", name_of(event.reason)};
  const base::LogField detail{"detail", event.detail};
  const base::LogField since{"since_ms", base::count_ms(event.since)};
  const auto line = [&](base::LogFields fields) { base::log_line(level_of(event.kind), name_of(event.kind), fields); };
  switch (event.kind) {
    case Event::Kind::Up:
      return line({pool, backend, detail, since});
    case Event::Kind::Draining:
    case Event::Kind::Maint:
    case Event::Kind::Ready:
      return line({pool, backend, reason, {"by", event.order.by}, {"at", base::timestamp_text(event.order.at)}});
    case Event::Kind::Ejected:
      return line({pool, backend, reason, detail, {"for_ms", base::count_ms(event.length)}, since});
    case Event::Kind::Starting:
      return line({pool, backend, reason, detail});
    case Event::Kind::Sick:
    case Event::Kind::Down:
    case Event::Kind::Suspect:
      return line({pool, backend, reason, detail, since});
  }
}

}  // namespace holdfast::health
