#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace holdfast::admin {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Family {
 public:
  Family(std::vector<MetricFamily>& out, MetricType type, std::string_view name, std::string_view help) : out_(out) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() { out_.push_back(std::move(family_)); }

  Family& add(Labels labels, double value) {
    ClientMetric& metric = labelled(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    return *this;
  }
  Family& add(Labels labels, std::uint64_t value) { return add(labels, static_cast<double>(value)); }
  /// Cumulative at the bounds given, which are bounds of the histogram's buckets; all of them in +Inf.
  Family& add_histogram(Labels labels, const LatencyView& latency, std::span<const base::Duration> bounds) {
    ClientMetric& metric = labelled(labels);
    std::uint64_t below = 0;
    std::size_t bucket = 0;
    for (const base::Duration bound : bounds) {
      for (; bucket < latency.counts.size() && base::Histogram::bound_of(bucket) <= bound; ++bucket) {
        below += latency.counts[bucket];
      }
      metric.histogram.bucket.push_back({below, std::chrono::duration<double>(bound).count()});
    }
    const std::uint64_t all = base::count_of(latency.counts);
    metric.histogram.bucket.push_back({all, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = all;
    metric.histogram.sample_sum = latency.seconds_total;
    return *this;
  }
  Family& add_summary(Labels labels, std::uint64_t count, double sum) {
    ClientMetric& metric = labelled(labels);
    metric.summary.sample_count = count;
    metric.summary.sample_sum = sum;
    return *this;
  }

 private:
  ClientMetric& labelled(Labels labels) {
    ClientMetric& metric = family_.metric.emplace_back();
    metric.label.reserve(labels.size());
    for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
    return metric;
  }

  std::vector<MetricFamily>& out_;
  MetricFamily family_;
};

using std::chrono::milliseconds;
// Few for backends, because there may be a thousand: /metrics must stay under 2 MiB.
constexpr base::Duration kBackendBounds[] = {milliseconds{32}, milliseconds{256}, milliseconds{2048}};
constexpr base::Duration kPoolBounds[] = {
    milliseconds{1},    milliseconds{2},    milliseconds{4},    milliseconds{8},    milliseconds{16},
    milliseconds{32},   milliseconds{64},   milliseconds{128},  milliseconds{256},  milliseconds{512},
    milliseconds{1024}, milliseconds{2048}, milliseconds{4096}, milliseconds{8192}, milliseconds{32768}};

double seconds_of(base::Duration d) { return std::chrono::duration<double>(d).count(); }

/// Collects families from one view.
class Page {
 public:
  explicit Page(const StatusView& view) : view_(view) {}

  void add_proxy();
  void add_clients();
  void add_redis();
  void add_cluster();
  void add_process(const ProcessFacts& facts);
  void add_pools();
  void add_backend_states();
  void add_backend_work();
  void add_backend_probes();
  void add_failovers();
  void add_reloads();
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  Family gauge(std::string_view name, std::string_view help) { return {families_, MetricType::Gauge, name, help}; }
  Family counter(std::string_view name, std::string_view help) { return {families_, MetricType::Counter, name, help}; }

  /// `add(pool, backend)` for each backend.
  template <class Add>
  void each_backend(Add add) const {
    for (const PoolView& pool : view_.pools) {
      for (const BackendView& backend : pool.backends) add(pool, backend);
    }
  }
  template <class Value>
  void per_backend(Family family, Value value) const {
    each_backend([&](const PoolView& pool, const BackendView& backend) {
      family.add({{"pool", pool.name}, {"backend", backend.name}}, value(backend));
    });
  }
  /// The same, only for backends where it has happened.
  template <class Value>
  void per_backend_met(Family family, Value value) const {
    each_backend([&](const PoolView& pool, const BackendView& backend) {
      if (value(backend) != 0) family.add({{"pool", pool.name}, {"backend", backend.name}}, value(backend));
    });
  }
  void per_backend_word(Family family, std::string_view label, Counts BackendView::*counts) const {
    each_backend([&](const PoolView& pool, const BackendView& backend) {
      for (const Count& count : backend.*counts) {
        if (count.count == 0) continue;
        family.add({{"pool", pool.name}, {"backend", backend.name}, {label, count.word}}, count.count);
      }
    });
  }
  void per_pool_word(Family family, std::string_view label, Counts PoolView::*counts) const {
    for (const PoolView& pool : view_.pools) {
      for (const Count& count : pool.*counts) family.add({{"pool", pool.name}, {label, count.word}}, count.count);
    }
  }

  const StatusView& view_;
  std::vector<MetricFamily> families_;
};

void Page::add_proxy() {
  gauge("holdfast_build_info", "Always 1; the version is in the label.").add({{"version", view_.version}}, 1.0);
  gauge("holdfast_ready", "1 while this proxy wants traffic, 0 while it starts or stops.")
      .add({}, view_.readiness.ready ? 1.0 : 0.0);
  gauge("holdfast_uptime_seconds", "Since this process began to serve.").add({}, seconds_of(view_.uptime));
  gauge("holdfast_workers", "Threads that serve clients.").add({}, std::uint64_t{view_.workers});
  gauge("holdfast_sessions", "Sessions bound now, over all pools.").add({}, view_.sessions());
  gauge("holdfast_sessions_max", "Sessions the store can hold.").add({}, view_.sessions_max);
  counter("holdfast_sessions_evicted_total", "Sessions forgotten because the store was full.")
      .add({}, view_.sessions_evicted_total);
  counter("holdfast_access_log_dropped_lines_total", "Access log lines that were not written.")
      .add({}, view_.access_log_dropped_total);
  gauge("holdfast_quarantined_requests", "Requests in quarantine because they have crashed a backend.")
      .add({}, view_.quarantined);
  Family redis = gauge("holdfast_redis_state", "1 for the state the link to Redis is in.");
  for (const std::string_view state : {"ok", "degraded", "off"}) {
    redis.add({{"state", state}}, view_.redis.state == state ? 1.0 : 0.0);
  }
}

void Page::add_redis() {
  const RedisView& redis = view_.redis;
  if (redis.state == "off") return;
  if (redis.latency) {
    gauge("holdfast_redis_latency_seconds", "From a command to its reply, smoothed; of the control loop's link.")
        .add({}, seconds_of(*redis.latency));
  }
  counter("holdfast_redis_commands_total", "Commands sent on the control loop's link.").add({}, redis.commands_total);
  counter("holdfast_redis_failed_commands_total", "Of these: timed out, lost, or failed with an error.")
      .add({}, redis.failed_total);
  counter("holdfast_redis_connects_total", "Times that link came up; the first is no reconnect.")
      .add({}, redis.connects_total);
}

void Page::add_failovers() {
  std::uint64_t open = 0;
  for (const FailoverView& failover : view_.failovers) open += failover.is_over ? 0u : 1u;
  gauge("holdfast_failovers_open", "Backends that have failed and are not UP again, of the last 20 failures.")
      .add({}, open);
  if (view_.failovers.empty() || !view_.failovers.front().took) return;
  gauge("holdfast_failover_last_seconds",
        "Of the last failure: from its first sign to the good response for the last user it hit.")
      .add({}, seconds_of(*view_.failovers.front().took));
}

void Page::add_reloads() {
  counter("holdfast_reloads_total", "Configurations read since the start.").add({}, view_.reload.count);
  gauge("holdfast_reload_succeeded", "1 while the last reload did, or there was none.")
      .add({}, view_.reload.succeeded ? 1.0 : 0.0);
  gauge("holdfast_reload_time_seconds", "When the last reload was, since 1970; 0: never.")
      .add({}, view_.reload.last ? std::chrono::duration<double>(view_.reload.last->time_since_epoch()).count() : 0.0);
}

void Page::add_cluster() {
  const ClusterView& cluster = view_.cluster;
  if (cluster.state == "off") return;
  std::uint64_t away = 0;
  for (const ProxyView& proxy : cluster.proxies) away += proxy.cut_off ? 1u : 0u;
  gauge("holdfast_cluster_nodes", "Proxies alive, including this one.")
      .add({}, std::uint64_t{std::max<std::size_t>(1, cluster.proxies.size())});
  gauge("holdfast_cluster_nodes_cut_off", "Of these: cut off from the backends.").add({}, away);
  gauge("holdfast_cluster_alone", "1 while this proxy works alone, because Redis is unavailable.")
      .add({}, cluster.state == "alone" ? 1.0 : 0.0);
  gauge("holdfast_cluster_cut_off", "1 while this proxy is cut off from the backends.")
      .add({}, cluster.cut_off.empty() ? 0.0 : 1.0);
  gauge("holdfast_cluster_leader", "1 while this proxy leads.").add({}, cluster.is_leader ? 1.0 : 0.0);
  gauge("holdfast_cluster_fencing_number", "Rises with each change of the leader.").add({}, cluster.fencing_number);
}

void Page::add_clients() {
  const ClientsView& clients = view_.clients;
  gauge("holdfast_client_connections", "Client connections open now.").add({}, clients.connections);
  counter("holdfast_client_connections_total", "Client connections accepted.").add({}, clients.connections_total);
  counter("holdfast_client_connections_refused_total", "Client connections closed at once: over the limit.")
      .add({}, clients.connections_refused_total);
  counter("holdfast_client_bytes_total", "Bytes from and to clients.")
      .add({{"direction", "received"}}, clients.bytes_received_total)
      .add({{"direction", "sent"}}, clients.bytes_sent_total);
  counter("holdfast_client_connections_displaced_total", "Idle client connections closed to make room for others.")
      .add({}, clients.connections_displaced_total);
  counter("holdfast_client_requests_total", "Requests begun.").add({}, clients.requests_total);
  counter("holdfast_client_requests_refused_total", "Requests that reached no pool: malformed, or an unknown host.")
      .add({}, clients.requests_refused_total);
  counter("holdfast_client_requests_aborted_total", "Requests whose client left before the response was complete.")
      .add({}, clients.requests_aborted_total);
  counter("holdfast_answers_cut_total", "Responses that a backend cut short.").add({}, clients.responses_cut_total);
}

void Page::add_process(const ProcessFacts& facts) {
  gauge("process_resident_memory_bytes", "Resident memory.").add({}, facts.resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory.").add({}, facts.virtual_bytes);
  gauge("process_threads", "Threads.").add({}, facts.threads);
  gauge("process_open_fds", "Open file descriptors.").add({}, facts.descriptors);
  gauge("process_max_fds", "The limit of open file descriptors.").add({}, facts.descriptors_max);
  counter("process_cpu_seconds_total", "User and system time.").add({}, facts.cpu_seconds);
  gauge("process_start_time_seconds", "Start of the process, since 1970.").add({}, facts.start_time);
}

void Page::add_pools() {
  {
    Family sessions = gauge("holdfast_pool_sessions", "Sessions bound in this pool.");
    for (const PoolView& pool : view_.pools) sessions.add({{"pool", pool.name}}, pool.sessions);
  }
  {
    Family limits = gauge("holdfast_pool_sessions_limit", "The limit of sessions (max_sessions); 0: no limit.");
    for (const PoolView& pool : view_.pools) limits.add({{"pool", pool.name}}, pool.sessions_max);
  }
  {
    Family refused =
        counter("holdfast_pool_sessions_refused_total", "Requests that would have begun a session above the limit.");
    for (const PoolView& pool : view_.pools) refused.add({{"pool", pool.name}}, pool.sessions_refused_total);
  }
  per_pool_word(counter("holdfast_pool_stickiness_total", "Requests by the outcome of stickiness."), "outcome",
                &PoolView::stickiness);
  {
    Family failed = counter("holdfast_pool_failed_requests_total",
                            "Requests no backend could serve, or a full pool or the quarantine refused.");
    for (const PoolView& pool : view_.pools) failed.add({{"pool", pool.name}}, pool.failed_total);
  }
  {
    Family refused =
        counter("holdfast_pool_quarantine_refused_total", "Requests that got 503 because they are in quarantine.");
    for (const PoolView& pool : view_.pools) refused.add({{"pool", pool.name}}, pool.quarantine_refused_total);
  }
  {
    Family refused = counter("holdfast_pool_retries_refused_total", "Retries that the budget did not allow.");
    for (const PoolView& pool : view_.pools) refused.add({{"pool", pool.name}}, pool.retries_refused_total);
  }
  {
    Family latency{families_, MetricType::Histogram, "holdfast_pool_request_duration_seconds",
                   "From a request's head to the end of its response; tunnels are not counted."};
    for (const PoolView& pool : view_.pools) latency.add_histogram({{"pool", pool.name}}, pool.latency, kPoolBounds);
  }
  Family requests =
      counter("holdfast_pool_requests_total", "Requests by the status class of the response that the client got.");
  for (const PoolView& pool : view_.pools) {
    for (std::size_t i = 0; i < pool.responses.size(); ++i) {
      requests.add({{"pool", pool.name}, {"code", kCodeClassNames[i]}}, pool.responses[i]);
    }
  }
}

void Page::add_backend_states() {
  per_backend(gauge("holdfast_backend_up", "1 while it may serve: UP, or SICK or DRAINING for the sessions it has."),
              [](const BackendView& b) { return health::may_keep(b.state) ? 1.0 : 0.0; });
  {
    Family states = gauge("holdfast_backend_state", "1 for the state it is in.");
    each_backend([&](const PoolView& pool, const BackendView& b) {
      states.add({{"pool", pool.name}, {"backend", b.name}, {"state", name_of(b.state)}}, 1.0);
    });
  }
}

void Page::add_backend_work() {
  per_backend(gauge("holdfast_backend_sessions", "Sessions bound to it."),
              [](const BackendView& b) { return b.sessions; });
  per_backend(gauge("holdfast_backend_requests_in_flight", "Requests it is working on."),
              [](const BackendView& b) { return b.requests_in_flight; });
  {
    Family queued = gauge("holdfast_backend_requests_queued", "Requests that wait for a free slot at it.");
    each_backend([&](const PoolView& pool, const BackendView& b) {
      if (b.requests_max == 0) return;  // nobody ever waits
      queued.add({{"pool", pool.name}, {"backend", b.name}}, b.requests_queued);
    });
  }
  {
    Family requests = counter("holdfast_backend_requests_total", "Requests that it responded to, by status class.");
    each_backend([&](const PoolView& pool, const BackendView& b) {
      for (std::size_t i = 0; i < b.responses.size(); ++i) {
        if (i < 2 && b.responses[i] == 0) continue;  // rare ones, where they are
        requests.add({{"pool", pool.name}, {"backend", b.name}, {"code", kCodeClassNames[i]}}, b.responses[i]);
      }
    });
  }
  per_backend(
      counter("holdfast_backend_retries_total", "Attempts that failed here and were retried on another backend."),
      [](const BackendView& b) { return b.retries_total; });
  per_backend_word(counter("holdfast_backend_failures_total", "Attempts that failed here, by kind."), "kind",
                   &BackendView::failures);
  {
    Family latency{families_, MetricType::Histogram, "holdfast_backend_first_byte_seconds",
                   "From giving it a request, including the connect, to the first byte of its response."};
    each_backend([&](const PoolView& pool, const BackendView& b) {
      latency.add_histogram({{"pool", pool.name}, {"backend", b.name}}, b.latency, kBackendBounds);
    });
  }
  per_backend_met(counter("holdfast_backend_hung_requests_total",
                          "Requests that waited on it when it was found hung: ended, or sent to another backend."),
                  [](const BackendView& b) { return b.hung_total; });
  per_backend_word(counter("holdfast_backend_move_reasons_total", "Sessions moved away from it, by reason."), "reason",
                   &BackendView::moved_away);
}

void Page::add_backend_probes() {
  per_backend_met(counter("holdfast_backend_probes_failed_total", "Of its probes: those that failed."),
                  [](const BackendView& b) { return b.probes.failed_total; });
  {
    Family times{families_, MetricType::Summary, "holdfast_backend_probe_duration_seconds", "How long probes took."};
    each_backend([&](const PoolView& pool, const BackendView& b) {
      times.add_summary({{"pool", pool.name}, {"backend", b.name}}, b.probes.passed_total + b.probes.failed_total,
                        seconds_of(b.probes.took_total));
    });
  }
}

}  // namespace

std::string metrics_text(const StatusView& view, const ProcessFacts& process) {
  Page page(view);
  page.add_proxy();
  page.add_redis();
  page.add_cluster();
  page.add_failovers();
  page.add_reloads();
  page.add_clients();
  page.add_process(process);
  page.add_pools();
  page.add_backend_states();
  page.add_backend_work();
  page.add_backend_probes();
  return page.text();
}

}  // namespace holdfast::admin
