// Server, as the admin listener sees it: sums over the workers' counters, the monitor's reports, the session store.
#include "server/server.h"

namespace holdfast::server {

namespace {

template <std::size_t N>
void add_classes(admin::CodeClasses& sum, const std::array<base::Counter, N>& classes) {
  for (std::size_t i = 0; i < N; ++i) sum[i] += classes[i].get();
}

}  // namespace

admin::Readiness Server::readiness() const {
  admin::ReadinessFacts facts;
  facts.stopping = phase_ == Phase::Draining || phase_ == Phase::Stopping;
  facts.listeners_open = phase_ != Phase::Starting;
  facts.cut_off = control_->cut_off();
  return admin::readiness_of(facts);
}

admin::StatusView Server::status() const {
  admin::StatusView view;
  view.node = control_->node_name();
  view.version = HOLDFAST_VERSION;
  view.readiness = readiness();
  view.redis = control_->redis_view();
  view.cluster = control_->view(ClusterControl::Sightings::LeftOut);
  view.now = base::wall_now();
  view.uptime = std::chrono::steady_clock::now() - started_;
  view.workers = static_cast<std::uint32_t>(workers_.size());
  view.clients = clients_status();
  if (const auto links = sessions_.state(workers_.size()); links && view.redis.state == "ok") {
    if (links->word != net::RedisState::Word::Ok) view.redis = {.state = "degraded", .reason = links->reason};
  }
  view.sessions_max = settings_->sessions.sessions_max;
  view.sessions_evicted_total = sessions_.memory().evicted_total();
  if (access_log_) view.access_log_dropped_total = access_log_->dropped();
  for (const conf::Pool& pool : settings_->pools) view.pools.push_back(pool_status(pool));
  return view;
}

admin::ClientsView Server::clients_status() const {
  admin::ClientsView view;
  for (const auto& worker : workers_) {
    const proxy::Counters& counters = worker->counters();
    view.connections += counters.connections_open.get();
    view.connections_total += counters.connections_accepted.get();
    view.connections_refused_total += counters.connections_refused.get();
    view.connections_displaced_total += counters.connections_displaced.get();
    view.requests_total += counters.requests.get();
    view.requests_refused_total += counters.requests_refused.get();
    view.requests_aborted_total += counters.requests_aborted.get();
    view.answers_cut_total += counters.answers_cut.get();
    view.bytes_received_total += counters.client_bytes_in.get();
    view.bytes_sent_total += counters.client_bytes_out.get();
  }
  return view;
}

admin::PoolView Server::pool_status(const conf::Pool& pool) const {
  admin::PoolView view;
  view.name = pool.name;
  view.state = name_of(monitor_->pool_state(pool.id));
  for (std::size_t word = 0; word < proxy::kStickinessWords; ++word) {
    view.stickiness.push_back({proxy::name_of(static_cast<proxy::Stickiness>(word)), 0});
  }
  for (const auto& worker : workers_) {
    const proxy::PoolCounters* const found = worker->counters().pool.find(conf::index(pool.id));
    if (found == nullptr) continue;  // a reload that has not reached it yet
    const proxy::PoolCounters& counters = *found;
    view.requests_total += counters.requests.get();
    add_classes(view.answers, counters.answers);
    for (std::size_t word = 0; word < proxy::kStickinessWords; ++word) {
      view.stickiness[word].count += counters.stickiness[word].get();
    }
  }
  for (const conf::Backend& backend : settings_->backends_of(pool)) {
    view.backends.push_back(backend_status(backend.id));
    view.sessions += view.backends.back().sessions;
  }
  return view;
}

admin::BackendView Server::backend_status(conf::BackendId id) const {
  const conf::Backend& backend = settings_->backend(id);
  const health::Report report = monitor_->report(id);
  admin::BackendView view;
  view.name = backend.name;
  view.address = backend.address.text();
  view.state = report.state;
  view.suspect = report.suspect;
  view.reason = name_of(report.reason);
  view.detail = report.detail;
  view.since = report.since;
  view.weight = backend.weight;
  view.backup = backend.backup;
  view.sessions = sessions_.size_of(snapshot_->tag_of(id));
  view.requests_in_flight = loads_[conf::index(id)].in_flight.load(std::memory_order_relaxed);
  view.requests_queued = gates_.waiting(id);
  for (std::size_t code = 0; code < proxy::kErrorCodes; ++code) {
    view.failures.push_back({base::name_of(static_cast<base::ErrorCode>(code)), 0});
  }
  for (const auto& worker : workers_) {
    const proxy::BackendCounters* const found = worker->counters().backend.find(conf::index(id));
    if (found == nullptr) continue;
    const proxy::BackendCounters& counters = *found;
    view.requests_total += counters.requests.get();
    view.connects_total += counters.connects.get();
    view.retries_total += counters.retried_away.get();
    view.moved_away_total += counters.moved_away.get();
    add_classes(view.answers, counters.answers);
    for (std::size_t code = 0; code < proxy::kErrorCodes; ++code)
      view.failures[code].count += counters.failures[code].get();
  }
  if (report.last_probe) {
    view.last_probe = admin::ProbeView{.at = report.last_probe->at,
                                       .took = report.last_probe->took,
                                       .passed = report.last_probe->reason == health::Reason::None,
                                       .status = report.last_probe->status,
                                       .text = report.last_detail};
  }
  view.probes_passed_total = report.passed_total;
  view.probes_failed_total = report.failed_total;
  return view;
}

}  // namespace holdfast::server
