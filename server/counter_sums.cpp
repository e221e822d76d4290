#include "server/counter_sums.h"

#include <array>
#include <cstdint>
#include <string_view>

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

}  // namespace

admin::ClientsView clients_view(const Workers& workers) {
  admin::ClientsView view;
  workers.visit_counters([&view](const proxy::Counters& counters) {
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
  });
  return view;
}

void add_counts(admin::PoolView& view, const Workers& workers, conf::PoolId pool, const admin::LatencyWindow& window) {
  for (std::size_t word = 0; word < proxy::kStickinessWords; ++word) {
    view.stickiness.push_back({proxy::name_of(static_cast<proxy::Stickiness>(word)), 0});
  }
  std::uint64_t microseconds = 0;
  workers.visit_counters(pool, [&](const proxy::PoolCounters& counters) {
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
  });
  view.latency = latency_of(total_counts(workers, pool), window, microseconds);
}

void add_counts(admin::BackendView& view, const Workers& workers, conf::BackendId backend,
                const admin::LatencyWindow& window) {
  view.failures.reserve(proxy::kErrorCodes);
  for (std::size_t code = 0; code < proxy::kErrorCodes; ++code) {
    view.failures.push_back({base::name_of(static_cast<base::ErrorCode>(code)), 0});
  }
  MovesByReason moves;
  std::uint64_t microseconds = 0;
  workers.visit_counters(backend, [&](const proxy::BackendCounters& counters) {
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
  });
  view.moved_away = moves.counts();
  view.latency = latency_of(first_byte_counts(workers, backend), window, microseconds);
}

base::Histogram::Counts first_byte_counts(const Workers& workers, conf::BackendId backend) {
  base::Histogram::Counts sum{};
  workers.visit_counters(backend, [&sum](const proxy::BackendCounters& counters) { counters.first_byte.add_to(sum); });
  return sum;
}

base::Histogram::Counts total_counts(const Workers& workers, conf::PoolId pool) {
  base::Histogram::Counts sum{};
  workers.visit_counters(pool, [&sum](const proxy::PoolCounters& counters) { counters.total.add_to(sum); });
  return sum;
}

}  // namespace holdfast::server
