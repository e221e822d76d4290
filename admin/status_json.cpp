#include "admin/status_json.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/summary.h"
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
  for (const Count& count : counts) out[std::string(count.word)] = count.count;
  return out;
}

Json classes_json(const CodeClasses& classes) {
  Json out = Json::object();
  for (std::size_t i = 0; i < classes.size(); ++i) out[std::string(kCodeClassNames[i])] = classes[i];
  return out;
}

Json probe_json(const BackendView& backend) {
  Json out = {{"passed_total", backend.probes_passed_total}, {"failed_total", backend.probes_failed_total}};
  if (const auto& last = backend.last_probe) {
    out["last"] = {{"time", base::timestamp_text(last->at)},
                   {"duration_ms", seconds_of(last->took) * 1000},
                   {"passed", last->passed},
                   {"status", last->status},
                   {"text", last->text}};
  }
  return out;
}

Json backend_json(const BackendView& backend) {
  return {{"state", name_of(backend.state)},
          {"reason", backend.reason},
          {"detail", backend.detail},
          {"since", base::timestamp_text(backend.since)},
          {"suspect", backend.suspect},
          {"address", backend.address},
          {"weight", backend.weight},
          {"backup", backend.backup},
          {"sessions", backend.sessions},
          {"requests_in_flight", backend.requests_in_flight},
          {"requests_queued", backend.requests_queued},
          {"requests_total", backend.requests_total},
          {"connects_total", backend.connects_total},
          {"retries_total", backend.retries_total},
          {"moved_away_total", backend.moved_away_total},
          {"moved_away", counts_json(backend.moved_away)},
          {"answers", classes_json(backend.answers)},
          {"failures", counts_json(backend.failures)},
          {"probe", probe_json(backend)}};
}

Json pool_json(const PoolView& pool) {
  Json backends = Json::object();
  for (const BackendView& backend : pool.backends) append(backends, backend.name, backend_json(backend));
  return {{"state", pool.state},
          {"sessions", pool.sessions},
          {"requests_total", pool.requests_total},
          {"answers", classes_json(pool.answers)},
          {"stickiness", counts_json(pool.stickiness)},
          {"backends", std::move(backends)}};
}

Json clients_json(const ClientsView& clients) {
  return {{"connections", clients.connections},
          {"connections_total", clients.connections_total},
          {"connections_refused_total", clients.connections_refused_total},
          {"connections_displaced_total", clients.connections_displaced_total},
          {"bytes_received_total", clients.bytes_received_total},
          {"bytes_sent_total", clients.bytes_sent_total},
          {"requests_total", clients.requests_total},
          {"requests_refused_total", clients.requests_refused_total},
          {"requests_aborted_total", clients.requests_aborted_total},
          {"answers_cut_total", clients.answers_cut_total}};
}

Json cluster_json(const ClusterView& cluster) {
  Json nodes = Json::array();
  for (const NodeView& node : cluster.nodes) nodes.push_back(node.name);
  return {{"state", cluster.state},
          {"reason", cluster.reason},
          {"node", cluster.node},
          {"nodes", std::move(nodes)},
          {"cut_off", !cluster.cut_off.empty()},
          {"leader", cluster.leader},
          {"is_leader", cluster.is_leader},
          {"fencing_number", cluster.fencing_number}};
}

}  // namespace

std::string status_json(const StatusView& view) {
  Json pools = Json::object();
  for (const PoolView& pool : view.pools) append(pools, pool.name, pool_json(pool));
  const Json out = {{"node", view.node},
                    {"version", view.version},
                    {"ready", view.readiness.ready},
                    {"reason", view.readiness.reason},
                    {"summary", summary_text(view)},
                    {"mood", name_of(mood_of(view))},
                    {"time", base::timestamp_text(view.now)},
                    {"uptime_seconds", seconds_of(view.uptime)},
                    {"workers", view.workers},
                    {"redis", {{"state", view.redis.state}, {"reason", view.redis.reason}}},
                    {"cluster", cluster_json(view.cluster)},
                    {"sessions", view.sessions()},
                    {"sessions_max", view.sessions_max},
                    {"sessions_evicted_total", view.sessions_evicted_total},
                    {"access_log_dropped_total", view.access_log_dropped_total},
                    {"clients", clients_json(view.clients)},
                    {"pools", std::move(pools)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdfast::admin
