#include "health/monitor.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

namespace holdfast::health {

namespace {

bool is_same(const Verdict& a, const Verdict& b) {
  return a.state == b.state && a.suspect == b.suspect && a.up_since == b.up_since && a.slow_start == b.slow_start;
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
bool is_watched_alike(const conf::Settings& a, const conf::Settings& b, conf::BackendId id) {
  const conf::Pool& before = a.pool_of(id);
  const conf::Pool& now = b.pool_of(id);
  return before.probe == now.probe && before.passive == now.passive && before.slow_start == now.slow_start &&
         a.backend(id).probe_port == b.backend(id).probe_port;
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
  for (const conf::Backend& backend : settings_->backends) watch_anew(backend, false);
}

/// Room for all ids there are now; counts begin at nothing.
void Monitor::count_all() {
  pools_.resize(settings_->pool_ids());
  for (WatchedPool& pool : pools_) {
    pool.count = {};
    pool.tally = {};
  }
  counted_.assign(settings_->backend_ids(), {});
  next_.backends.resize(settings_->backend_ids());
  for (const conf::Backend& backend : settings_->backends) {
    WatchedPool& pool = pools_[conf::index(backend.pool)];
    ++pool.count.backends;
    if (backend.weight > 0) pool.tally.enter(State::Starting);
  }
}

void Monitor::watch_anew(const conf::Backend& backend, bool is_same_place) {
  std::unique_ptr<BackendWatch>& place = watches_[conf::index(backend.id)];
  const std::unique_ptr<BackendWatch> before = std::exchange(
      place, std::make_unique<BackendWatch>(BackendWatch::Parts{settings_, scheduler_, dialer_, random_, *this},
                                            backend.id, addresses_[conf::index(backend.id)]));
  if (before) before->stop();
  if (!is_started_) return;
  if (before && is_same_place) return place->start_as(*before);
  place->start();
  next_.backends[conf::index(backend.id)] = place->verdict();
}

void Monitor::reload(std::shared_ptr<const conf::Settings> settings, const std::vector<net::Address>& addresses) {
  const auto before = std::exchange(settings_, std::move(settings));
  const auto places = std::exchange(addresses_, addresses);
  count_all();
  watches_.resize(settings_->backend_ids());
  for (std::uint32_t i = 0; i < settings_->backend_ids(); ++i) {
    const conf::BackendId id{i};
    if (settings_->has(id)) continue;
    if (watches_[i]) watches_[i]->stop();
    next_.backends[i] = {.state = State::Draining};
  }
  for (const conf::Backend& backend : settings_->backends) {
    const std::size_t at = conf::index(backend.id);
    const bool was_there = before->has(backend.id);
    const bool is_same_place = was_there && places[at] == addresses_[at];
    const bool is_same_watch = is_same_place && is_watched_alike(*before, *settings_, backend.id);
    if (is_same_watch) {
      on_changed(*watches_[at]);
    } else {
      watch_anew(backend, is_same_place);
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

void Monitor::set_operator_state(conf::BackendId backend, const OperatorOrder& order) {
  watch(backend).set_order(order);
}

void Monitor::set_quorum(conf::BackendId backend, Quorum quorum, std::string_view words) {
  watch(backend).set_quorum(quorum, words);
}

void Monitor::set_share(const Share& share) {
  for (const conf::Backend& backend : settings_->backends) watch(backend.id).set_share(share);
}

void Monitor::look_now(conf::BackendId backend) { watch(backend).look_now(); }

void Monitor::set_isolation(Isolation isolation) {
  const bool is_isolated = isolation == Isolation::CutOff;
  if (std::exchange(next_.is_isolated, is_isolated) == is_isolated || !is_started_) return;
  publish_->set(scheduler_.now());
}

Report Monitor::report(conf::BackendId backend) const { return watch(backend).report(); }

bool Monitor::may_eject(conf::BackendId backend) {
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
    if (watched.state != before) say(pool.id, before);
  }
}

void Monitor::say(conf::PoolId id, PoolState before) {
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
