#include "admin/status_json.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "admin/json_object.h"
#include "admin/summary.h"
#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

double seconds_of(base::Duration d) { return std::chrono::duration<double>(d).count(); }

// An ordered object looks its keys up one by one: for thousands of names, known to differ, that is left out.
void append(Json& object, const std::string& key, Json value) {
  object.get_ref<Json::object_t&>().push_back({key, std::move(value)});
}

Json counts_json(const Counts& counts) {
  Json out = Json::object();
  out.get_ref<Json::object_t&>().reserve(counts.size());
  for (const Count& count : counts) append(out, std::string(count.word), count.count);
  return out;
}

Json classes_json(const CodeClasses& classes) {
  Json out = Json::object();
  out.get_ref<Json::object_t&>().reserve(classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i) append(out, std::string(kCodeClassNames[i]), classes[i]);
  return out;
}

/// Three digits behind the point of a millisecond are enough.
double milliseconds(base::Duration d) { return std::round(seconds_of(d) * 1e6) / 1e3; }

Json time_json(const std::optional<base::WallTime>& time) { return time ? Json(base::timestamp_text(*time)) : Json(); }

Json latency_json(const LatencyView& latency) {
  const auto quantile = [&](base::Duration d) { return latency.recent > 0 ? Json(milliseconds(d)) : Json(); };
  return json_object({{"window_seconds", 60},
                      {"count", latency.recent},
                      {"p50_ms", quantile(latency.p50)},
                      {"p95_ms", quantile(latency.p95)},
                      {"p99_ms", quantile(latency.p99)}});
}

// Short, because there are many: [milliseconds since 1970, duration in ms, HTTP status or 0, reason or ""], and what
// was found, of those that did not pass.
Json history_json(const std::vector<ProbeMark>& probes) {
  Json::array_t out;
  out.reserve(probes.size());
  for (const ProbeMark& probe : probes) {
    Json::array_t mark;
    mark.reserve(5);
    mark.emplace_back(probe.at.time_since_epoch().count());
    mark.emplace_back(milliseconds(probe.took));
    mark.emplace_back(probe.status);
    mark.emplace_back(probe.reason);
    if (!probe.text.empty()) mark.emplace_back(probe.text);
    out.emplace_back(std::move(mark));
  }
  return out;
}

Json drain_json(const std::optional<DrainView>& drain) {
  if (!drain) return nullptr;
  return json_object(
      {{"active", drain->active},
       {"idle", drain->idle},
       {"idle_gone_in_seconds", drain->idle_gone_in ? Json(std::ceil(seconds_of(*drain->idle_gone_in))) : Json()},
       {"long_lived", drain->long_lived},
       {"requests_elsewhere", drain->requests_elsewhere ? Json(*drain->requests_elsewhere) : Json()},
       {"counted", drain->is_counted},
       {"over", drain->is_over}});
}

Json probe_json(const BackendView& backend) {
  Json out = json_object({{"state", backend.probe_state},
                          {"passed_total", backend.probes.passed_total},
                          {"failed_total", backend.probes.failed_total},
                          {"history", history_json(backend.probes.history)}});
  if (const auto& last = backend.probes.last) {
    out["last"] = json_object({{"time", base::timestamp_text(last->at)},
                               {"duration_ms", seconds_of(last->took) * 1000},
                               {"passed", last->passed},
                               {"status", last->status},
                               {"text", last->text}});
  }
  return out;
}

Json pool_json(const PoolView& pool) {
  return json_object({{"state", pool.state},
                      {"sessions", pool.sessions},
                      {"sessions_max", pool.sessions_max},
                      {"sessions_refused_total", pool.sessions_refused_total},
                      {"requests_total", pool.requests_total},
                      {"failed_total", pool.failed_total},
                      {"answers", classes_json(pool.responses)},
                      {"latency", latency_json(pool.latency)},
                      {"probe_interval_ms", base::count_ms(pool.probe_interval)},
                      {"stickiness", counts_json(pool.stickiness)}});
}

Json clients_json(const ClientsView& clients) {
  return json_object({{"connections", clients.connections},
                      {"connections_total", clients.connections_total},
                      {"connections_refused_total", clients.connections_refused_total},
                      {"connections_displaced_total", clients.connections_displaced_total},
                      {"bytes_received_total", clients.bytes_received_total},
                      {"bytes_sent_total", clients.bytes_sent_total},
                      {"requests_total", clients.requests_total},
                      {"requests_refused_total", clients.requests_refused_total},
                      {"requests_aborted_total", clients.requests_aborted_total},
                      {"answers_cut_total", clients.responses_cut_total}});
}

Json cluster_json(const ClusterView& cluster) {
  Json proxies = Json::array();
  for (const ProxyView& proxy : cluster.proxies) proxies.push_back(proxy.name);
  return json_object({{"state", cluster.state},
                      {"reason", cluster.reason},
                      {"node", cluster.node},
                      {"nodes", std::move(proxies)},
                      {"missing", cluster.missing},
                      {"cut_off", !cluster.cut_off.empty()},
                      {"leader", cluster.leader},
                      {"is_leader", cluster.is_leader},
                      {"fencing_number", cluster.fencing_number}});
}

Json failover_json(const FailoverView& failover) {
  const auto length = [](const std::optional<base::Duration>& d) { return d ? Json(milliseconds(*d)) : Json(); };
  return json_object({{"pool", failover.pool},
                      {"backend", failover.backend},
                      {"reason", failover.reason},
                      {"began", base::timestamp_text(failover.began)},
                      {"noticed_ms", milliseconds(failover.noticed)},
                      {"users_moved", failover.users_moved},
                      {"requests_rescued", failover.rescued},
                      {"requests_failed", failover.failed},
                      {"failover_ms", length(failover.took)},
                      {"longest_wait_ms", length(failover.longest_wait)},
                      {"over", failover.is_over}});
}

Json failovers_json(const std::vector<FailoverView>& failovers) {
  Json out = Json::array();
  for (const FailoverView& failover : failovers) out.push_back(failover_json(failover));
  return out;
}

Json reload_json(const ReloadView& reload) {
  return json_object({{"count", reload.count},
                      {"time", time_json(reload.last)},
                      {"succeeded", reload.succeeded},
                      {"reason", reload.reason}});
}

}  // namespace

nlohmann::ordered_json status_document(const StatusView& view) {
  Json out = status_frame(view);
  auto pool_of = out["pools"].get_ref<Json::object_t&>().begin();
  for (const PoolView& pool : view.pools) {
    Json backends = Json::object();
    backends.get_ref<Json::object_t&>().reserve(pool.backends.size());
    for (const BackendView& backend : pool.backends) append(backends, backend.name, backend_document(backend));
    append(pool_of->second, "backends", std::move(backends));
    ++pool_of;
  }
  return out;
}

nlohmann::ordered_json backend_document(const BackendView& backend) {
  return json_object({{"state", name_of(backend.state)},
                      {"reason", backend.reason},
                      {"detail", backend.detail},
                      {"since", base::timestamp_text(backend.since)},
                      {"suspect", backend.suspect},
                      {"address", backend.address},
                      {"weight", backend.weight},
                      {"backup", backend.backup},
                      {"slow_start_percent", backend.slow_start_percent ? Json(*backend.slow_start_percent) : Json()},
                      {"deadline", time_json(backend.deadline)},
                      {"ordered_by", backend.ordered_by},
                      {"order", backend.order},
                      {"drain", drain_json(backend.drain)},
                      {"sessions", backend.sessions},
                      {"sessions_active", backend.sessions_active ? Json(*backend.sessions_active) : Json()},
                      {"sessions_max", backend.sessions_max},
                      {"requests_in_flight", backend.requests_in_flight},
                      {"requests_max", backend.requests_max},
                      {"requests_queued", backend.requests_queued},
                      {"requests_total", backend.requests_total},
                      {"connects_total", backend.connects_total},
                      {"retries_total", backend.retries_total},
                      {"moved_away_total", backend.moved_away_total},
                      {"hung_total", backend.hung_total},
                      {"moved_away", counts_json(backend.moved_away)},
                      {"answers", classes_json(backend.responses)},
                      {"failures", counts_json(backend.failures)},
                      {"latency", latency_json(backend.latency)},
                      {"probe", probe_json(backend)}});
}

nlohmann::ordered_json status_frame(const StatusView& view) {
  Json pools = Json::object();
  pools.get_ref<Json::object_t&>().reserve(view.pools.size());
  for (const PoolView& pool : view.pools) append(pools, pool.name, pool_json(pool));
  return json_object({{"node", view.node},
                      {"version", view.version},
                      {"ready", view.readiness.ready},
                      {"reason", view.readiness.reason},
                      {"summary", summary_text(view)},
                      {"mood", name_of(severity_of(view))},
                      {"time", base::timestamp_text(view.now)},
                      {"uptime_seconds", seconds_of(view.uptime)},
                      {"workers", view.workers},
                      {"redis", json_object({{"state", view.redis.state}, {"reason", view.redis.reason}})},
                      {"redis_latency_ms", view.redis.latency ? Json(milliseconds(*view.redis.latency)) : Json()},
                      {"cluster", cluster_json(view.cluster)},
                      {"sessions", view.sessions()},
                      {"sessions_max", view.sessions_max},
                      {"sessions_evicted_total", view.sessions_evicted_total},
                      {"access_log_dropped_total", view.access_log_dropped_total},
                      {"quarantined", view.quarantined},
                      {"clients", clients_json(view.clients)},
                      {"session_idle_timeout_seconds", seconds_of(view.session_idle_timeout)},
                      {"session_active_within_seconds", seconds_of(view.session_active_within)},
                      {"failovers", failovers_json(view.failovers)},
                      {"reload", reload_json(view.reload)},
                      {"pools", std::move(pools)}});
}

std::string status_json(const StatusView& view) { return base::json_text(status_document(view)) + "\n"; }

}  // namespace holdfast::admin
