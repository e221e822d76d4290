// Server, as the admin listener sees it: sums over the workers' counters, the monitor's reports, the session store.
#include <algorithm>

#include "server/server.h"

namespace holdfast::server {

namespace {

template <std::size_t N>
void add_classes(admin::CodeClasses& sum, const std::array<base::Counter, N>& classes) {
  for (std::size_t i = 0; i < N; ++i) sum[i] += classes[i].get();
}

/// Sessions moved away, by the words of X-Holdfast-Moved: what a request of theirs met, or the state it found.
class MovesByReason {
 public:
  void add(const proxy::BackendCounters& counters) {
    for (std::size_t code = 0; code < proxy::kErrorCodes; ++code) {
      add(base::name_of(static_cast<base::ErrorCode>(code)), counters.moved_by_failure[code].get());
    }
    for (std::size_t state = 0; state < proxy::kStates; ++state) {
      add(health::reason_to_move(static_cast<health::State>(state)), counters.moved_by_state[state].get());
    }
  }
  admin::Counts counts() const { return counts_; }

 private:
  void add(std::string_view word, std::uint64_t count) {
    if (count != 0) admin::add(counts_, word, count);
  }

  admin::Counts counts_;
};

admin::LatencyView latency_of(const base::Histogram::Counts& counts, const admin::LatencyWindow& window,
                              std::uint64_t microseconds) {
  const base::Histogram::Counts recent = window.recent(counts);
  return {.recent = base::count_of(recent),
          .p50 = base::quantile(recent, 50),
          .p95 = base::quantile(recent, 95),
          .p99 = base::quantile(recent, 99),
          .counts = counts,
          .seconds_total = static_cast<double>(microseconds) / 1e6};
}

/// From a tenth on, as the balancer does it; nullopt when it has its whole share.
std::optional<std::uint32_t> slow_start_percent(const health::Verdict& verdict, base::Duration slow_start) {
  if (verdict.state != health::State::Up || !verdict.slow_start || slow_start <= base::Duration{}) return std::nullopt;
  const base::Duration up = std::chrono::steady_clock::now() - verdict.up_since;
  if (up >= slow_start) return std::nullopt;
  return std::max<std::uint32_t>(10, static_cast<std::uint32_t>(up * 100 / slow_start));
}

}  // namespace

admin::Readiness Server::readiness() const {
  admin::ReadinessFacts facts;
  facts.stopping = phase_ == Phase::Leaving || phase_ == Phase::Draining || phase_ == Phase::Stopping;
  facts.listeners_open = phase_ != Phase::Starting;
  facts.cut_off = control_->cut_off();
  return admin::readiness_of(facts);
}

admin::StatusView Server::status() const { return view_with(&Server::backend_status); }

admin::StatusView Server::states() const { return view_with(&Server::backend_state); }

admin::StatusView Server::view_with(admin::BackendView (Server::*look)(conf::BackendId) const) const {
  admin::StatusView view = frame();
  for (const conf::Pool& pool : settings_->pools) {
    admin::PoolView& shown = view.pools.emplace_back(pool_status(pool));
    shown.backends.reserve(pool.backend_count);
    for (const conf::Backend& backend : settings_->backends_of(pool)) {
      shown.backends.push_back((this->*look)(backend.id));
      shown.sessions += shown.backends.back().sessions;
    }
  }
  return view;
}

admin::BackendView Server::backend(std::size_t pool, std::size_t backend) const {
  return backend_status(settings_->backends_of(settings_->pools[pool])[backend].id);
}

/// All but the pools.
admin::StatusView Server::frame() const {
  admin::StatusView view;
  view.node = control_->proxy_name();
  view.version = HOLDFAST_VERSION;
  view.readiness = readiness();
  view.redis = control_->redis_view();
  view.cluster = control_->view(ClusterControl::Observations::LeftOut);
  view.now = base::wall_now();
  view.uptime = std::chrono::steady_clock::now() - started_;
  view.workers = static_cast<std::uint32_t>(workers_.size());
  view.clients = clients_status();
  if (const auto links = sessions_.state(workers_.size()); links && view.redis.state == "ok") {
    if (links->word != redis::RedisState::Word::Ok) {
      view.redis.state = "degraded";
      view.redis.reason = links->reason;
    }
  }
  view.sessions_max = settings_->sessions.sessions_max;
  view.sessions_evicted_total = sessions_.memory().evicted_total();
  if (access_log_) view.access_log_dropped_total = access_log_->dropped();
  view.quarantined = quarantine_.count();
  view.session_idle_timeout = settings_->sessions.idle_timeout;
  view.session_active_within = sessions::active_within(view.session_idle_timeout);
  view.failovers = failovers_.views();
  view.reload = last_reload_;
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
    view.responses_cut_total += counters.responses_cut.get();
    view.bytes_received_total += counters.client_bytes_in.get();
    view.bytes_sent_total += counters.client_bytes_out.get();
  }
  return view;
}

base::Histogram::Counts Server::first_byte_counts(conf::BackendId id) const {
  base::Histogram::Counts sum{};
  for (const auto& worker : workers_) {
    const auto* const counters = worker->counters().backend.find(conf::index(id));
    if (counters != nullptr) counters->first_byte.add_to(sum);  // else it has still to hear of a reload
  }
  return sum;
}

base::Histogram::Counts Server::total_counts(conf::PoolId id) const {
  base::Histogram::Counts sum{};
  for (const auto& worker : workers_) {
    const auto* const counters = worker->counters().pool.find(conf::index(id));
    if (counters != nullptr) counters->total.add_to(sum);
  }
  return sum;
}

/// Without its backends, and what is summed up over them.
admin::PoolView Server::pool_status(const conf::Pool& pool) const {
  admin::PoolView view;
  view.name = pool.name;
  view.sessions_max = pool.max_sessions;
  view.state = name_of(monitor_->pool_state(pool.id));
  view.probe_interval = pool.probe.interval;
  for (std::size_t word = 0; word < proxy::kStickinessWords; ++word) {
    view.stickiness.push_back({proxy::name_of(static_cast<proxy::Stickiness>(word)), 0});
  }
  std::uint64_t microseconds = 0;
  for (const auto& worker : workers_) {
    const proxy::PoolCounters* const found = worker->counters().pool.find(conf::index(pool.id));
    if (found == nullptr) continue;  // a reload that has not reached it yet
    const proxy::PoolCounters& counters = *found;
    view.requests_total += counters.requests.get();
    view.failed_total += counters.failed.get();
    view.sessions_refused_total += counters.sessions_refused.get();
    view.quarantine_refused_total += counters.quarantined.get();
    view.retries_refused_total += counters.retries_refused.get();
    microseconds += counters.total.microseconds();
    add_classes(view.responses, counters.responses);
    for (std::size_t word = 0; word < proxy::kStickinessWords; ++word) {
      view.stickiness[word].count += counters.stickiness[word].get();
    }
  }
  view.latency = latency_of(total_counts(pool.id), pool_windows_[conf::index(pool.id)], microseconds);
  return view;
}

admin::BackendView Server::backend_state(conf::BackendId id) const {
  admin::BackendView view;
  view.name = settings_->backend(id).name;
  view.sessions = sessions_.size_of(snapshot_->tag_of(id));
  const health::Condition condition = monitor_->condition(id);
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
  const bool is_probed = settings_->pool_of(id).probe.type != conf::ProbeType::None;
  view.probe_state = is_probed ? name_of(monitor_->own_observation(id).probe) : "passing";
  return view;
}

admin::BackendView Server::backend_status(conf::BackendId id) const {
  const conf::Backend& backend = settings_->backend(id);
  admin::BackendView view = backend_state(id);
  view.address = backend.address.text();
  view.weight = backend.weight;
  view.backup = backend.backup;
  view.requests_max = backend.max_requests;
  view.sessions_max = backend.max_sessions;
  if (const auto usage = sessions_.usage_of(snapshot_->tag_of(id))) {
    view.sessions_active = usage->active_of(view.sessions);
  }
  view.requests_in_flight = loads_[conf::index(id)].in_flight.load(std::memory_order_relaxed);
  view.requests_queued = concurrency_.waiting(id);
  view.drain = drains_->view(*snapshot_, id);
  if (last_view_) view.slow_start_percent = slow_start_percent(last_view_->of(id), settings_->pool_of(id).slow_start);
  add_probes(view, id);
  add_counts(view, id);
  return view;
}

void Server::add_counts(admin::BackendView& view, conf::BackendId id) const {
  view.failures.reserve(proxy::kErrorCodes);
  for (std::size_t code = 0; code < proxy::kErrorCodes; ++code) {
    view.failures.push_back({base::name_of(static_cast<base::ErrorCode>(code)), 0});
  }
  MovesByReason moves;
  std::uint64_t microseconds = 0;
  for (const auto& worker : workers_) {
    const proxy::BackendCounters* const found = worker->counters().backend.find(conf::index(id));
    if (found == nullptr) continue;
    const proxy::BackendCounters& counters = *found;
    view.requests_total += counters.requests.get();
    view.connects_total += counters.connects.get();
    view.retries_total += counters.retried_away.get();
    view.moved_away_total += counters.moved_away.get();
    view.hung_total += counters.released.get();
    microseconds += counters.first_byte.microseconds();
    add_classes(view.responses, counters.responses);
    for (std::size_t code = 0; code < proxy::kErrorCodes; ++code) {
      view.failures[code].count += counters.failures[code].get();
    }
    moves.add(counters);
  }
  view.moved_away = moves.counts();
  ordered_moves_.add_to(view, id);
  view.latency = latency_of(first_byte_counts(id), backend_windows_[conf::index(id)], microseconds);
}

void Server::count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) {
  for (const conf::Backend& backend : settings_->backends) {
    if (snapshot_->tag_of(backend.id) == from) return ordered_moves_.note(backend.id, reason, sessions);
  }
}

void Server::add_probes(admin::BackendView& view, conf::BackendId id) const {
  const health::Report report = monitor_->report(id);
  if (report.last_probe) {
    view.probes.last = admin::ProbeView{.at = report.last_probe->at,
                                        .took = report.last_probe->took,
                                        .passed = report.last_probe->reason == health::Reason::None,
                                        .status = report.last_probe->status,
                                        .text = report.last_detail};
  }
  view.probes.passed_total = report.passed_total;
  view.probes.failed_total = report.failed_total;
  view.probes.took_total = report.took_total;
  view.probes.history.reserve(report.history.size());
  for (const health::ProbeRecord& probe : report.history) {
    view.probes.history.push_back({probe.at, probe.took, probe.status, name_of(probe.reason), probe.detail});
  }
}

void Server::watch_failovers(base::Instant now) {
  const auto is_well = [this](conf::BackendId id) {
    const health::Verdict& verdict = last_view_->of(id);
    return !verdict.suspect && verdict.state != health::State::Down;
  };
  failovers_.on_tick(now, is_well, [this, &is_well](conf::BackendId id) {
    FailoverWatch::Numbers numbers;
    for (const auto& worker : workers_) {
      const proxy::BackendCounters* const found = worker->counters().backend.find(conf::index(id));
      if (found == nullptr) continue;
      const proxy::BackendCounters& counters = *found;
      numbers.moved += counters.moved_away.get();
      for (const base::Counter& failures : counters.failures) numbers.failed += failures.get();
      numbers.failed -= counters.retried_away.get();
    }
    proxy::BackendLoad& load = loads_[conf::index(id)];
    const auto instant = [](const std::atomic<std::int64_t>& ns) {
      return base::Instant{base::Duration{ns.load(std::memory_order_relaxed)}};
    };
    numbers.rescued = load.rescued.load(std::memory_order_relaxed);
    numbers.failing_since = instant(load.failing_since_ns);
    numbers.last_rescue = instant(load.rescue_last_ns);
    numbers.longest_wait = base::Duration{load.rescue_longest_ns.load(std::memory_order_relaxed)};
    if (is_well(id)) load.rescue_longest_ns.store(0, std::memory_order_relaxed);  // the next failover's begins anew
    return numbers;
  });
}

void Server::note_history(base::Instant now) {
  if (now >= windows_due_) {
    windows_due_ = now + admin::LatencyWindow::kStep;
    for (const conf::Backend& backend : settings_->backends) {
      backend_windows_[conf::index(backend.id)].note(first_byte_counts(backend.id));
    }
    for (const conf::Pool& pool : settings_->pools) pool_windows_[conf::index(pool.id)].note(total_counts(pool.id));
  }
  if (now < history_due_) return;
  history_due_ = now + admin::History::kStep;
  history_.note(status());
}

}  // namespace holdfast::server
