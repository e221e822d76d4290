#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/readiness.h"
#include "base/histogram.h"
#include "base/time.h"
#include "health/view.h"

/// What the admin listener shows, as plain values. server/ fills them in; admin/ only reads them and knows nothing of
/// the data path behind them.
namespace holdfast::admin {

/// How often something happened, by its word: a failure's kind, a move's reason, what stickiness did.
struct Count {
  std::string_view word;  ///< Static text (a name_of): lives as long as the program.
  std::uint64_t count = 0;
};
using Counts = std::vector<Count>;
/// To that of its word, which is put in when it is not there.
inline void add(Counts& counts, std::string_view word, std::uint64_t count) {
  const auto known = std::find_if(counts.begin(), counts.end(), [&](const Count& each) { return each.word == word; });
  if (known == counts.end()) {
    counts.push_back({word, count});
  } else {
    known->count += count;
  }
}

/// Responses by the class of their status: [1]..[5] for 1xx..5xx, [0] for a status above 599.
using CodeClasses = std::array<std::uint64_t, 6>;
inline constexpr std::array<std::string_view, 6> kCodeClassNames = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};

/// The index in CodeClasses of a response's status.
constexpr std::size_t code_class(std::uint16_t status) { return status >= 100 && status < 600 ? status / 100u : 0u; }

/// The last finished probe of a backend.
struct ProbeView {
  base::WallTime at{};    ///< When it ended.
  base::Duration took{};  ///< From the start of the probe to its verdict.
  bool passed = false;
  std::uint16_t status = 0;  ///< HTTP status; 0 where there was none (TCP, timeout).
  std::string text;          ///< What was found, for people. May hold bytes from the backend: escape it.
};

/// A finished probe, as the row of bars shows it.
struct ProbeMark {
  base::WallTime at{};
  base::Duration took{};
  std::uint16_t status = 0;
  std::string_view reason;  ///< Static text; empty: passed.
  std::string text;         ///< What was found, of one that did not pass. May hold bytes from the backend: escape it.
};

/// All probes of a backend.
struct ProbesView {
  std::optional<ProbeView> last;
  std::uint64_t passed_total = 0;
  std::uint64_t failed_total = 0;
  base::Duration took_total{};
  std::vector<ProbeMark> history;  ///< The last 20, oldest first.
};

/// How long something took. The quantiles are of the last minute, the counts of all time.
struct LatencyView {
  std::uint64_t recent = 0;  ///< How many in the last minute; the quantiles mean nothing while it is 0.
  base::Duration p50{};
  base::Duration p95{};
  base::Duration p99{};
  base::Histogram::Counts counts{};
  double seconds_total = 0;
};

/// Of a backend that operators have taken out: who is left there.
struct DrainView {
  std::uint64_t active = 0;                         ///< Sessions used lately.
  std::uint64_t idle = 0;                           ///< The others.
  std::optional<base::Duration> idle_gone_in;       ///< Until the last of these is forgotten, if none comes back.
  std::uint64_t long_lived = 0;                     ///< Tunnels and event streams, of this proxy.
  std::optional<std::uint64_t> requests_elsewhere;  ///< By way of other proxies; nullopt: not known yet.
  bool is_counted = true;                           ///< BackendView::sessions are all there are.
  bool is_over = false;                             ///< Nobody and nothing is left.
};

/// What people wait for when they look at a backend.
struct BackendState {
  health::State state = health::State::Starting;
  bool suspect = false;
  std::string reason;  ///< One word; empty while UP.
  std::string detail;  ///< A sentence for people; may hold bytes from the backend.
  base::WallTime since{};
  std::optional<base::WallTime> deadline;     ///< Of a drain: then it is a maintenance.
  std::string ordered_by;                     ///< With DRAINING and MAINT: who said so.
  std::string_view order = "ready";           ///< What operators want of it.
  std::string_view probe_state = "starting";  ///< starting, passing, sick, failing: whatever operators say.

  bool operator==(const BackendState&) const = default;
};

struct BackendView : BackendState {
  std::string name;
  std::string address;
  std::uint32_t weight = 1;
  bool backup = false;

  std::uint64_t sessions = 0;
  std::optional<std::uint64_t>
      sessions_active;             ///< Of these, used within session_active_within; nullopt: not known yet.
  std::uint64_t sessions_max = 0;  ///< 0: no limit.
  std::uint64_t requests_in_flight = 0;
  std::uint64_t requests_queued = 0;
  std::uint32_t requests_max = 0;  ///< In flight at once; 0: no limit.
  /// While it comes back with a growing share of new sessions: how far it is.
  std::optional<std::uint32_t> slow_start_percent;
  std::optional<DrainView> drain;    ///< While `order` is not "ready".
  std::uint64_t requests_total = 0;  ///< Attempts sent there.
  std::uint64_t connects_total = 0;  ///< Connections made.
  std::uint64_t retries_total = 0;   ///< Attempts that failed here and were made again elsewhere.
  std::uint64_t moved_away_total = 0;
  std::uint64_t hung_total = 0;  ///< Requests that waited on it when it was judged hung.
  CodeClasses responses{};
  Counts moved_away;    ///< By reason.
  Counts failures;      ///< By kind: refused, reset, timeout...
  LatencyView latency;  ///< From giving it a request (connecting included) to the first byte of its response.

  ProbesView probes;
};

struct PoolView {
  std::string name;
  std::string_view state = "serving";  ///< starting, serving, fail_open, closed: for new sessions.
  std::uint64_t sessions = 0;
  std::uint64_t sessions_max = 0;            ///< 0: no limit.
  std::uint64_t sessions_refused_total = 0;  ///< Requests that would have begun a session beyond it; failed, too.
  std::uint64_t requests_total = 0;
  CodeClasses responses{};                     ///< To clients, our own error responses included.
  Counts stickiness;                           ///< By the access log's word: none, new, kept, moved...
  std::uint64_t failed_total = 0;              ///< Requests that got an error page of ours, all kinds.
  std::uint64_t quarantine_refused_total = 0;  ///< Of them: their like has killed a backend.
  std::uint64_t retries_refused_total = 0;     ///< The retry budget had none left.
  LatencyView latency;                         ///< From the request's head to the end of its response.
  base::Duration probe_interval{};
  std::vector<BackendView> backends;
};

struct ClientsView {
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused_total = 0;    ///< Over [limits] connections, with nobody idle.
  std::uint64_t connections_displaced_total = 0;  ///< Idle ones closed to make room.
  std::uint64_t requests_total = 0;
  std::uint64_t requests_refused_total = 0;  ///< Malformed, too long, unknown host: they reached no pool.
  std::uint64_t requests_aborted_total = 0;  ///< The client left before its response was whole.
  std::uint64_t responses_cut_total = 0;     ///< A backend's response ended short.
  std::uint64_t bytes_received_total = 0;
  std::uint64_t bytes_sent_total = 0;
};

struct RedisView {
  std::string state = "off";              ///< ok, degraded, off
  std::string reason;                     ///< With degraded.
  std::optional<base::Duration> latency;  ///< Of a command, smoothed.
  std::uint64_t commands_total = 0;       ///< Of the control loop's link, as are those that follow.
  std::uint64_t failed_total = 0;         ///< Commands that timed out, were lost or failed with an error.
  std::uint64_t connects_total = 0;
};

/// What one proxy sees of one backend by itself.
struct ObservationView {
  std::string backend;    ///< "pool/backend"
  std::string_view word;  ///< starting, passing, sick, failing
  bool suspect = false;
  std::uint32_t passed_in_a_row = 0;
  std::uint32_t failed_in_a_row = 0;
  std::string reason;
  std::optional<base::Duration> age;  ///< Since it last looked.
};

struct ProxyView {
  std::string name;
  std::string instance;  ///< Another one with each start.
  bool is_self = false;
  bool is_leader = false;
  bool cut_off = false;
  std::vector<ObservationView> sees;  ///< Only in StatusSource::cluster().
};

/// The proxies, as this one knows them.
struct ClusterView {
  std::string state = "off";  ///< off: not configured. alone: nothing known of others. ok.
  std::string reason;         ///< Why alone; or what is wrong all the same: two proxies of one name.
  std::string node;           ///< Our name among them.
  std::string cut_off;        ///< Why we take ourselves for cut off; empty: we do not.
  std::string leader;         ///< Its name; empty: none known.
  bool is_leader = false;
  std::uint64_t fencing_number = 0;
  std::vector<ProxyView> proxies;    ///< By name; ourselves among them. Empty when off.
  std::vector<std::string> missing;  ///< Names of those that went without a goodbye and have not come back.
};

/// A backend's failure, and what it cost.
struct FailoverView {
  std::string pool;
  std::string backend;
  std::string reason;
  base::WallTime began{};    ///< The first sign of it.
  base::Duration noticed{};  ///< From there until it was judged DOWN.
  std::uint64_t users_moved = 0;
  std::uint64_t rescued = 0;  ///< Requests that met the failure and got a good response elsewhere.
  std::uint64_t failed = 0;   ///< Those that were not.
  /// From the first sign to the first byte of the good response of the last request rescued.
  std::optional<base::Duration> took;
  std::optional<base::Duration> longest_wait;  ///< Of one rescued request.
  bool is_over = false;                        ///< The backend is UP again.
};

struct ReloadView {
  std::uint64_t count = 0;
  std::optional<base::WallTime> last;  ///< None: never.
  bool succeeded = true;               ///< The last one.
  std::string reason;                  ///< Why it did not.
};

struct StatusView {
  std::string node;
  std::string version;
  Readiness readiness;
  RedisView redis;
  ClusterView cluster;
  base::WallTime now{};  ///< When this view was made.
  base::Duration uptime{};
  std::uint32_t workers = 0;
  ClientsView clients;
  std::uint64_t sessions_max = 0;
  std::uint64_t sessions_evicted_total = 0;    ///< Forgotten because the store was full.
  std::uint64_t access_log_dropped_total = 0;  ///< Lines that were not written.
  std::uint64_t quarantined = 0;               ///< Requests held to have killed a backend.
  std::vector<PoolView> pools;
  std::vector<FailoverView> failovers;  ///< The last ones, the newest first.
  ReloadView reload;
  base::Duration session_idle_timeout{};
  base::Duration session_active_within{};

  std::uint64_t sessions() const {
    std::uint64_t sum = 0;
    for (const PoolView& pool : pools) sum += pool.sessions;
    return sum;
  }
};

/// Where the views come from. Called on the control loop's thread; outlives whoever asks.
class StatusSource {
 public:
  StatusSource() = default;
  StatusSource(const StatusSource&) = delete;
  StatusSource& operator=(const StatusSource&) = delete;
  virtual ~StatusSource() = default;
  /// Everything. Made for each question: a fraction of a millisecond per hundred backends is fine.
  virtual StatusView status() const = 0;
  /// The same in a tenth of the time: of each backend only its name, its BackendState and its sessions.
  virtual StatusView states() const = 0;
  /// Everything of one, by its place in the view.
  virtual BackendView backend(std::size_t pool, std::size_t backend) const = 0;
  /// The part load balancers ask for each second; cheap.
  virtual Readiness readiness() const = 0;
  /// Who sees what.
  virtual ClusterView cluster() const = 0;
  /// The effective configuration as TOML, secrets redacted.
  virtual std::string configuration() const = 0;
};

}  // namespace holdfast::admin
