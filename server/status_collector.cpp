#include "server/status_collector.h"

#include <algorithm>
#include <optional>

#include "server/counter_sums.h"

namespace holdfast::server {

namespace {

/// From a tenth on, as the balancer does it; nullopt when it has its whole share.
std::optional<std::uint32_t> slow_start_percent(const health::Verdict& verdict, base::Duration slow_start) {
  if (verdict.state != health::State::Up || !verdict.slow_start || slow_start <= base::Duration{}) return std::nullopt;
  const base::Duration up = std::chrono::steady_clock::now() - verdict.up_since;
  if (up >= slow_start) return std::nullopt;
  return std::max<std::uint32_t>(10, static_cast<std::uint32_t>(up * 100 / slow_start));
}

admin::ProbesView probes_view(const health::Report& report) {
  admin::ProbesView view;
  if (report.last_probe) {
    view.last = admin::ProbeView{.at = report.last_probe->at,
                                 .took = report.last_probe->took,
                                 .passed = report.last_probe->reason == health::Reason::None,
                                 .status = report.last_probe->status,
                                 .text = report.last_detail};
  }
  view.passed_total = report.passed_total;
  view.failed_total = report.failed_total;
  view.took_total = report.took_total;
  view.history.reserve(report.history.size());
  for (const health::ProbeRecord& probe : report.history) {
    view.history.push_back({probe.at, probe.took, probe.status, name_of(probe.reason), probe.detail});
  }
  return view;
}

}  // namespace

admin::Readiness StatusCollector::readiness() const {
  const Phase phase = parts_.phase;
  admin::ReadinessFacts facts;
  facts.stopping = phase == Phase::Leaving || phase == Phase::Draining || phase == Phase::Stopping;
  facts.listeners_open = phase != Phase::Starting;
  facts.cut_off = parts_.backends.cluster().cut_off();
  return admin::readiness_of(facts);
}

admin::StatusView StatusCollector::status() const { return view_with(&StatusCollector::backend_status); }

admin::StatusView StatusCollector::states() const { return view_with(&StatusCollector::backend_state); }

admin::StatusView StatusCollector::view_with(Look look) const {
  admin::StatusView view = frame();
  const conf::Settings& settings = *parts_.config.settings;
  for (const conf::Pool& pool : settings.pools) {
    admin::PoolView& shown = view.pools.emplace_back(pool_status(pool));
    shown.backends.reserve(pool.backend_count);
    for (const conf::Backend& backend : settings.backends_of(pool)) {
      shown.backends.push_back((this->*look)(backend.id));
      shown.sessions += shown.backends.back().sessions;
    }
  }
  return view;
}

admin::BackendView StatusCollector::backend(std::size_t pool, std::size_t backend) const {
  const conf::Settings& settings = *parts_.config.settings;
  return backend_status(settings.backends_of(settings.pools[pool])[backend].id);
}

/// All but the pools.
admin::StatusView StatusCollector::frame() const {
  const conf::Settings& settings = *parts_.config.settings;
  admin::StatusView view;
  view.node = parts_.backends.cluster().proxy_name();
  view.version = HOLDFAST_VERSION;
  view.readiness = readiness();
  view.redis = redis_view();
  view.cluster = parts_.backends.cluster().view(ClusterControl::Observations::LeftOut);
  view.now = base::wall_now();
  view.uptime = std::chrono::steady_clock::now() - parts_.started.at;
  view.workers = static_cast<std::uint32_t>(parts_.workers.size());
  view.clients = clients_view(parts_.workers);
  view.sessions_max = settings.sessions.sessions_max;
  view.sessions_evicted_total = parts_.sessions.memory().evicted_total();
  if (parts_.access_log != nullptr) view.access_log_dropped_total = parts_.access_log->dropped();
  view.quarantined = parts_.backends.quarantine().count();
  view.session_idle_timeout = settings.sessions.idle_timeout;
  view.session_active_within = sessions::active_within(view.session_idle_timeout);
  view.failovers = parts_.backends.failovers().views();
  view.reload = parts_.reload.last();
  return view;
}

/// The control loop's link; and the worst of all links, where that one is well.
admin::RedisView StatusCollector::redis_view() const {
  admin::RedisView view = parts_.backends.cluster().redis_view();
  const auto links = parts_.sessions.state(parts_.workers.size());
  if (links && view.state == "ok" && links->word != redis::RedisState::Word::Ok) {
    view.state = "degraded";
    view.reason = links->reason;
  }
  return view;
}

/// Without its backends, and what is summed up over them.
admin::PoolView StatusCollector::pool_status(const conf::Pool& pool) const {
  admin::PoolView view;
  view.name = pool.name;
  view.sessions_max = pool.max_sessions;
  view.state = name_of(parts_.backends.monitor().pool_state(pool.id));
  view.probe_interval = pool.probe.interval;
  add_counts(view, parts_.workers, pool.id, pool_windows_[conf::index(pool.id)]);
  return view;
}

admin::BackendView StatusCollector::backend_state(conf::BackendId id) const {
  const conf::Settings& settings = *parts_.config.settings;
  const health::Monitor& monitor = parts_.backends.monitor();
  admin::BackendView view;
  view.name = settings.backend(id).name;
  view.sessions = parts_.sessions.size_of(parts_.config.snapshot->tag_of(id));
  const health::Condition condition = monitor.condition(id);
  view.state = condition.state;
  view.suspect = condition.suspect;
  view.reason = name_of(condition.reason);
  view.detail = condition.detail;
  view.since = condition.since;
  if (condition.order.state != health::OperatorState::Ready) {
    view.ordered_by = condition.order.by;
    view.deadline = condition.order.deadline;
  }
  view.order = name_of(condition.order.state);
  const bool is_probed = settings.pool_of(id).probe.type != conf::ProbeType::None;
  view.probe_state = is_probed ? name_of(monitor.own_observation(id).probe) : "passing";
  return view;
}

admin::BackendView StatusCollector::backend_status(conf::BackendId id) const {
  const conf::Settings& settings = *parts_.config.settings;
  const proxy::Snapshot& snapshot = *parts_.config.snapshot;
  const conf::Backend& backend = settings.backend(id);
  admin::BackendView view = backend_state(id);
  view.address = backend.address.text();
  view.weight = backend.weight;
  view.backup = backend.backup;
  view.requests_max = backend.max_requests;
  view.sessions_max = backend.max_sessions;
  if (const auto usage = parts_.sessions.usage_of(snapshot.tag_of(id))) {
    view.sessions_active = usage->active_of(view.sessions);
  }
  view.requests_in_flight = parts_.workers.loads()[conf::index(id)].in_flight.load(std::memory_order_relaxed);
  view.requests_queued = parts_.workers.concurrency().waiting(id);
  view.drain = parts_.backends.drains().view(snapshot, id);
  view.slow_start_percent = slow_start_percent(parts_.backends.view().of(id), settings.pool_of(id).slow_start);
  view.probes = probes_view(parts_.backends.monitor().report(id));
  add_counts(view, parts_.workers, id, backend_windows_[conf::index(id)]);
  parts_.backends.ordered_moves().add_to(view, id);
  return view;
}

void StatusCollector::on_tick(base::Instant now) {
  if (now < windows_due_) return;
  windows_due_ = now + admin::LatencyWindow::kStep;
  for (const conf::Backend& backend : parts_.config.settings->backends) {
    backend_windows_[conf::index(backend.id)].note(first_byte_counts(parts_.workers, backend.id));
  }
  for (const conf::Pool& pool : parts_.config.settings->pools) {
    pool_windows_[conf::index(pool.id)].note(total_counts(parts_.workers, pool.id));
  }
}

void StatusCollector::reload() {
  backend_windows_.resize(parts_.config.settings->backend_ids());
  pool_windows_.resize(parts_.config.settings->pool_ids());
}

}  // namespace holdfast::server
