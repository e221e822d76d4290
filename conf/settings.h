#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/time.h"

/// The configuration, typed: what conf/reader makes of the TOML file, with every default filled in.
///
/// A Settings is built once, then shared as `shared_ptr<const Settings>`: a reload makes another one.
/// Sizes are bytes, times are Durations. docs/configuration.md names every key.
namespace holdfast::conf {

using base::Duration;

/// A pool's number. It stays with the pool's name over reloads (conf/reload.h): look it up by Settings::pool().
enum class PoolId : std::uint32_t {};
/// A backend's number, over all pools. It stays with the names of pool and backend: look it up by Settings::backend().
enum class BackendId : std::uint32_t {};
/// Index into Settings::routes.
enum class RouteId : std::uint32_t {};

constexpr std::uint32_t index(PoolId id) { return static_cast<std::uint32_t>(id); }
constexpr std::uint32_t index(BackendId id) { return static_cast<std::uint32_t>(id); }
constexpr std::uint32_t index(RouteId id) { return static_cast<std::uint32_t>(id); }

/// Where to connect or listen: "10.0.0.1:80", "[::1]:80", "app.internal:80".
struct Endpoint {
  std::string host;        ///< Without brackets.
  std::uint16_t port = 0;  ///< 0 is allowed for listeners only: the system picks one (tests).
  std::string text() const {
    return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
  bool operator==(const Endpoint&) const = default;
};

/// An address range: "10.0.0.0/8", "::1/128", "192.0.2.7" (whole address).
struct Cidr {
  std::uint8_t bytes[16] = {};   ///< IPv4 as the IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
  std::uint8_t prefix_bits = 0;  ///< Of the 128: an IPv4 /8 is 104 here.
  std::string text;              ///< As written.
  bool operator==(const Cidr&) const = default;
};

/// W3C Trace Context: what becomes of a request without a traceparent. One that it brings is always passed on.
enum class Traceparent : std::uint8_t {
  Pass,   ///< Nothing.
  Start,  ///< It gets one of ours.
};

struct Server {
  std::uint32_t workers = 0;  ///< 0: one per CPU.
  Duration shutdown_deadline = std::chrono::seconds{30};
  Duration upgrade_deadline = std::chrono::hours{1};  ///< How long the old process of an upgrade may finish its work.
  std::string state_dir = "/var/lib/holdfast";
  base::LogLevel log_level = base::LogLevel::Info;
  base::LogFormat log_format = base::LogFormat::Text;
  std::string access_log_path;  ///< Empty: off. "-": stdout.
  base::LogFormat access_log_format = base::LogFormat::Json;
  Traceparent traceparent = Traceparent::Pass;
  bool operator==(const Server&) const = default;
};

struct Listen {
  Endpoint address;
  std::vector<Cidr> trusted_proxies;  ///< Peers whose X-Forwarded-* we believe and extend.
  bool operator==(const Listen&) const = default;
};

enum class AdminRole : std::uint8_t { Viewer, Operator };

/// [[admin.users]]
struct AdminUser {
  std::string name;
  std::string password_hash;  ///< As `holdfastctl passwd` prints it. Never shown.
  AdminRole role = AdminRole::Viewer;
  bool operator==(const AdminUser&) const = default;
};

/// [[admin.tokens]]: for scripts.
struct AdminToken {
  std::string name;
  std::string hash;  ///< SHA-256 in hex, as `holdfastctl token` prints it. Never shown.
  AdminRole role = AdminRole::Viewer;
  bool operator==(const AdminToken&) const = default;
};

struct Admin {
  bool enabled = true;
  Endpoint address{"127.0.0.1", 8081};
  std::vector<AdminUser> users;  ///< None: this machine's people act without a login, others cannot reach it.
  std::vector<AdminToken> tokens;
  std::string tls_cert;  ///< [admin.tls]: PEM file, with its chain. Empty: plain HTTP.
  std::string tls_key;   ///< PEM file.
  bool operator==(const Admin&) const = default;
};

enum class SessionStore : std::uint8_t { Memory, Redis };

struct Sessions {
  Duration idle_timeout = std::chrono::minutes{30};
  std::string secret_file;                    ///< Empty: HOLDFAST_SECRET, else generated once in state_dir.
  std::uint64_t sessions_max = 1'000'000;     ///< Of the memory store; at the cap the longest idle is forgotten.
  SessionStore store = SessionStore::Memory;  ///< Redis: only with a [redis] table.
  bool operator==(const Sessions&) const = default;
};

/// [redis] Where the shared map is, and how long anybody waits for it.
struct Redis {
  bool is_present = false;                            ///< The file has the table; all else means nothing without it.
  Endpoint address;                                   ///< Host empty: `socket_path` or `sentinels` say where.
  std::string socket_path;                            ///< Of a unix socket.
  std::string user;                                   ///< Empty: the default user.
  std::string password;                               ///< Empty: HOLDFAST_REDIS_PASSWORD, else none. Never shown.
  std::uint32_t db = 0;                               ///< SELECT.
  std::vector<Endpoint> sentinels;                    ///< They know where the master is.
  std::string master;                                 ///< Its name among the sentinels.
  Duration timeout = std::chrono::milliseconds{100};  ///< Of each command.
  std::string prefix = "holdfast";                    ///< All our keys and channels begin with it and a colon.
  bool operator==(const Redis&) const = default;
};

/// [cluster] Joins the other proxies that use the same Redis and prefix.
struct Cluster {
  bool is_present = false;
  std::string node;  ///< Our name among them. Empty: the host name.
  bool operator==(const Cluster&) const = default;
};

struct Timeouts {
  Duration request_head = std::chrono::seconds{10};
  Duration client_idle = std::chrono::seconds{60};
  Duration connect = std::chrono::seconds{2};
  Duration response = std::chrono::seconds{60};   ///< Request sent -> first byte of the response. Per route too.
  Duration body_idle = std::chrono::seconds{60};  ///< No progress of a body, either way.
  Duration tunnel_idle = std::chrono::hours{1};
  Duration queue = std::chrono::seconds{5};          ///< Waiting for a place at a backend with max_requests.
  Duration backend_idle = std::chrono::seconds{30};  ///< A kept-alive backend connection nobody uses.
  bool operator==(const Timeouts&) const = default;
};

struct Limits {
  std::uint64_t request_head_bytes = 32u << 10;
  std::uint64_t request_body_bytes = 1u << 30;  ///< 0: no limit. Per route too.
  std::uint64_t response_head_bytes = 64u << 10;
  std::uint32_t headers = 128;
  std::uint32_t connections = 20'000;  ///< Client connections of the whole process; idle ones are closed first.
  std::uint32_t queue = 1'000;         ///< Requests waiting at one backend with max_requests.
  std::uint32_t backend_idle = 256;    ///< Kept-alive connections per backend and worker.
  bool operator==(const Limits&) const = default;
};

enum class BalanceMethod : std::uint8_t { RoundRobin, LeastRequests, RandomTwo, Hash, Failover };
enum class StickyMode : std::uint8_t { None, Cookie, AppCookie, Header, SourceIp };
enum class FailoverMode : std::uint8_t { Move, Temporary, Refuse };
enum class SameSite : std::uint8_t { Lax, Strict, None };

/// [pools.NAME.sticky]
struct Sticky {
  StickyMode mode = StickyMode::Cookie;
  std::vector<std::string> names;    ///< Of the app's cookies or of headers, in order of preference.
  std::vector<std::string> headers;  ///< With AppCookie: what clients without a cookie are known by.
  std::string cookie = "holdfast";
  bool companion = true;  ///< With AppCookie and Header: a ticket of ours beside what the app's client holds.
  SameSite same_site = SameSite::Lax;
  FailoverMode failover = FailoverMode::Move;
  bool operator==(const Sticky&) const = default;
};

enum class ProbeType : std::uint8_t { None, Http, Tcp, M2ee };

struct StatusRange {
  std::uint16_t low = 200;
  std::uint16_t high = 399;
  bool operator==(const StatusRange&) const = default;
};

/// [pools.NAME.probe]
struct Probe {
  ProbeType type = ProbeType::Http;
  std::string method = "GET";
  std::string path = "/";
  std::string host;        ///< Value of the Host field; empty: the backend's address.
  std::uint16_t port = 0;  ///< 0: the backend's own.
  std::string password;  ///< Of an m2ee admin port. Empty: of password_file, else HOLDFAST_M2EE_PASSWORD. Never shown.
  std::string password_file;  ///< Read once at the start.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<StatusRange> expect_status = {StatusRange{}};
  std::vector<StatusRange> expect_sick;                          ///< Statuses by which the app says that it is sick.
  std::string expect_body;                                       ///< Text the body must contain; empty: any.
  std::vector<std::pair<std::string, std::string>> expect_json;  ///< JSON pointer (RFC 6901) -> value as text.
  Duration interval = std::chrono::seconds{2};
  Duration fast_interval = std::chrono::milliseconds{200};
  Duration timeout = std::chrono::seconds{1};
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;
  std::uint32_t jitter_percent = 10;  ///< Of the interval, either way.
  std::uint32_t fresh_every = 10;     ///< Each k-th probe connects afresh; the others keep the connection alive.
  std::uint32_t health_every = 5;     ///< Each k-th m2ee probe asks the app's own health check, too.
  Duration start_timeout = std::chrono::minutes{5};  ///< How long an app may say that it is starting.
  bool operator==(const Probe&) const = default;
};

/// [pools.NAME.passive] Judges backends by what real requests meet.
struct Passive {
  std::uint32_t failures = 5;                 ///< In a row before ejection; 0: off.
  Duration eject = std::chrono::seconds{10};  ///< The first ejection; each further one adds as much.
  Duration eject_max = std::chrono::minutes{5};
  std::uint32_t ejected_percent_max = 50;  ///< Above this share of the pool nobody more is ejected.
  bool operator==(const Passive&) const = default;
};

/// [pools.NAME.retry]
struct Retry {
  std::uint32_t attempts = 3;         ///< In all, the first included; at least 1.
  std::uint32_t budget_percent = 20;  ///< Retries, as a share of recent requests of the pool.
  std::uint32_t budget_min = 10;      ///< Retries per second allowed in any case, so that a quiet pool can retry.
  bool operator==(const Retry&) const = default;
};

/// [pools.NAME.hung] Backends that accept requests and do not respond. docs/guards.md has the rules.
struct Hung {
  Duration silence = std::chrono::milliseconds{500};  ///< No response, with requests in flight: looked at. 0: never.
  Duration grace{};  ///< What waits on a backend that was judged down for its silence may wait so long still.
  bool operator==(const Hung&) const = default;
};

/// [pools.NAME.poison] Quarantine for requests that crash their backend. docs/guards.md has the rules.
struct Quarantine {
  std::uint32_t crashes_alone = 1;               ///< Of the only request in flight of an unknown kind; 0: off.
  std::uint32_t crashes = 2;                     ///< Of any other, with no response to it between; 0: off.
  Duration window = std::chrono::minutes{10};    ///< Crashes further apart do not add up.
  Duration duration = std::chrono::minutes{10};  ///< How long it is refused.
  bool operator==(const Quarantine&) const = default;
};

struct Backend {
  BackendId id{};
  PoolId pool{};
  std::string name;
  Endpoint address;
  std::uint32_t weight = 1;        ///< 0: no new sessions.
  std::uint32_t max_requests = 0;  ///< In flight at once over all workers; 0: no limit.
  std::uint64_t max_sessions = 0;  ///< Bound to it, over all proxies; 0: no limit.
  std::uint16_t probe_port = 0;    ///< Instead of the pool's; 0: that one.
  bool backup = false;             ///< Used only while no other backend may serve.
  bool operator==(const Backend&) const = default;
};

/// Apps whose cookies, probes, timeouts and paths are known.
enum class Preset : std::uint8_t { None, Mendix, Mfiles, Java, Php, Express, Aspnet };

struct Pool {
  PoolId id{};
  std::string name;
  Preset preset = Preset::None;
  BalanceMethod balance = BalanceMethod::LeastRequests;
  Duration slow_start = std::chrono::seconds{10};   ///< 0: full weight at once after UP.
  std::uint64_t max_sessions = 0;                   ///< Over all proxies; 0: no limit.
  std::optional<Duration> response_timeout;         ///< Instead of the one of [timeouts]; a route may have its own.
  std::optional<std::uint64_t> request_body_bytes;  ///< Instead of the one of [limits]; a route may have its own.
  std::string maintenance_page;                     ///< File with the page for people while nobody may serve.
  Sticky sticky;
  Probe probe;
  Passive passive;
  Retry retry;
  Hung hung;
  Quarantine quarantine;
  BackendId first_backend{};        ///< The pool's backends are neighbours in Settings::backends, in the order of the
  std::uint32_t backend_count = 0;  ///< file: see Settings::backends_of().
  bool operator==(const Pool&) const = default;
};

enum class RouteAction : std::uint8_t { Forward, Deny, Redirect };

struct Route {
  std::string host;        ///< Lower case. Empty: any. "*.example.com": any host below it, not itself.
  std::string path = "/";  ///< A prefix by segments: "/a" matches "/a", "/a/b", "/a?x", not "/ab"; "/a/" only below it.
  RouteAction action = RouteAction::Forward;
  PoolId pool{};            ///< With Forward.
  std::string redirect_to;  ///< With Redirect: absolute URL or path; "{host}" "{path}" "{query}" are replaced.
  std::uint16_t redirect_status = 308;  ///< 301, 302, 303, 307 or 308.
  std::optional<Duration> response_timeout;
  std::optional<std::uint64_t> request_body_bytes;
  std::optional<bool> sticky;  ///< false: this route ignores stickiness.
  bool operator==(const Route&) const = default;
};

inline constexpr std::uint32_t kNowhere = 0xFFFF'FFFF;

struct Settings {
  Server server;
  std::vector<Listen> listens;
  Admin admin;
  Sessions sessions;
  Redis redis;
  Cluster cluster;
  Timeouts timeouts;
  Limits limits;
  std::vector<Pool> pools;        ///< In the order of the file.
  std::vector<Backend> backends;  ///< In the order of the file, pool after pool.
  std::vector<Route> routes;      ///< With one pool and no [[routes]]: one catch-all route to it.

  /// Where in `pools` and `backends` an id's owner is; kNowhere: it is gone. Empty: each at its own number.
  std::vector<std::uint32_t> pool_at;
  std::vector<std::uint32_t> backend_at;

  /// How many ids there are, those of the gone among them: the size of what is kept by id.
  std::size_t pool_ids() const { return pool_at.empty() ? pools.size() : pool_at.size(); }
  std::size_t backend_ids() const { return backend_at.empty() ? backends.size() : backend_at.size(); }
  bool has(PoolId id) const { return index(id) < pool_ids() && place(pool_at, index(id)) != kNowhere; }
  bool has(BackendId id) const { return index(id) < backend_ids() && place(backend_at, index(id)) != kNowhere; }
  /// Of one that these settings have.
  const Pool& pool(PoolId id) const { return pools[place(pool_at, index(id))]; }
  const Backend& backend(BackendId id) const { return backends[place(backend_at, index(id))]; }
  std::span<const Backend> backends_of(const Pool& pool) const {
    if (pool.backend_count == 0) return {};
    return std::span(backends).subspan(place(backend_at, index(pool.first_backend)), pool.backend_count);
  }
  const Route& route(RouteId id) const { return routes[index(id)]; }
  const Pool& pool_of(BackendId id) const { return pool(backend(id).pool); }
  bool operator==(const Settings&) const = default;

 private:
  static std::uint32_t place(const std::vector<std::uint32_t>& at, std::uint32_t number) {
    return at.empty() ? number : at[number];
  }
};

}  // namespace holdfast::conf
