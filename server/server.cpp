#include "server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "admin/endpoints.h"
#include "base/log.h"
#include "base/log_watch.h"
#include "base/text.h"
#include "net/tls_stream.h"
#include "server/named_files.h"
#include "server/service_manager.h"
#include "sessions/keyring.h"

namespace holdfast::server {

namespace {

// Beyond the longest probe timeout: how long the first probes are waited for.
constexpr base::Duration kProbeSlack = std::chrono::milliseconds{300};
constexpr base::Duration kProbeSlackInUpgrade = std::chrono::seconds{10};
constexpr base::Duration kTick = std::chrono::seconds{1};
// Above a backend's own threshold, failures in a row are told no more often: an outage is not a flood of messages.
constexpr base::Duration kToldEvery = std::chrono::milliseconds{50};
// Signs of life in the time that the service manager waits for one.
constexpr int kHeartbeatsPerWatch = 3;
// Descriptors for files, listeners, loops, probes, the admin listener.
constexpr rlim_t kOwnDescriptorsMax = 256;

bool is_every_backend_judged(const health::View& view) {
  return std::none_of(view.backends.begin(), view.backends.end(),
                      [](const health::Verdict& verdict) { return verdict.state == health::State::Starting; });
}

std::uint64_t random_seed() {
  const auto id = sessions::random_id();
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | id[i];
  return seed;
}

rlim_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

/// How many clients there may be, each with a backend connection of its own. Says so when that is less than configured.
std::uint32_t connections_max(const conf::Settings& settings) {
  const rlim_t descriptors = raise_descriptor_limit();
  const rlim_t own = std::min(kOwnDescriptorsMax, descriptors / 4);
  const rlim_t needed = rlim_t{settings.limits.connections} * 2 + own;
  if (descriptors >= needed) return settings.limits.connections;
  const rlim_t left = std::max<rlim_t>((descriptors - own) / 2, 1);
  base::log::warn("descriptors_short", {{"limit", descriptors},
                                        {"wanted", needed},
                                        {"connections", left},
                                        {"advice", "raise the limit of open files, or lower limits.connections"}});
  return static_cast<std::uint32_t>(left);
}

bool is_worth_reporting(proxy::BackendLoad& load, std::uint32_t in_a_row, std::uint32_t threshold) {
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::int64_t told = load.failure_told_ns.load(std::memory_order_relaxed);
  if (in_a_row > threshold && now - told < kToldEvery.count()) return false;
  load.failure_told_ns.store(now, std::memory_order_relaxed);
  return true;
}

/// Tells the event ids of this start from those of another.
std::string run_name() {
  const auto id = sessions::random_id();
  return base::to_hex(std::span(id).first(4));
}

admin::Access::Accounts accounts_of(const conf::Admin& admin, std::uint16_t port) {
  const auto role = [](conf::AdminRole configured) {
    return configured == conf::AdminRole::Operator ? web::Role::Operator : web::Role::Viewer;
  };
  admin::Access::Accounts accounts;
  accounts.own_host = admin.address.host;
  accounts.cookie = "holdfast_admin_" + std::to_string(port);
  accounts.is_secure = !admin.tls_cert.empty();
  for (const conf::AdminUser& user : admin.users) {
    accounts.users.push_back({user.name, user.password_hash, role(user.role)});
  }
  for (const conf::AdminToken& token : admin.tokens) {
    accounts.tokens.push_back({token.name, token.hash, role(token.role)});
  }
  return accounts;
}

std::uint32_t worker_count(const conf::Settings& settings) {
  return settings.server.workers != 0 ? settings.server.workers : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Server::Server(std::shared_ptr<const conf::Settings> settings, std::string_view secret, Origin origin)
    : timeline_(run_name(), [this] { nudge_live(); }),
      settings_(std::move(settings)),
      keyring_(secret),
      random_(random_seed()),
      started_(loop_.now()),
      old_process_(std::move(origin.old_process)),
      sessions_(*settings_, loop_, dialer_, random_, old_process_ ? old_process_->store_start() : started_),
      numbering_(*settings_),
      loads_(settings_->backend_ids()),
      concurrency_(*settings_),
      quarantine_(
          settings_, loop_,
          [this](conf::BackendId id) { return monitor_->report(id).order.state != health::OperatorState::Ready; },
          [this](const std::shared_ptr<const proxy::QuarantineView>& view) {
            for (const auto& worker : workers_) worker->set_quarantine(view);
          }),
      failovers_(settings_),
      backend_windows_(settings_->backend_ids()),
      pool_windows_(settings_->pool_ids()),
      live_(loop_, *this, timeline_),
      open_(loop_.timer([this] { open_when_probed(); })),
      deadline_(loop_.timer([this] { stop(); })),
      tick_(loop_.timer([this] { on_tick(); })),
      reloader_(loop_, std::move(origin.read)),
      words_(std::move(origin.words)),
      may_begin_(old_process_ == nullptr) {
  base::log_watch(&timeline_);
}

Server::~Server() { base::log_watch(nullptr); }

base::Result<void> Server::run() {
  if (auto started = start(); !started) {
    if (monitor_) monitor_->stop();
    if (old_process_) old_process_->notify_failed(started.error().text);
    return started;
  }
  loop_.run();
  for (const auto& worker : workers_) worker->stop();
  for (const auto& worker : workers_) worker->join();
  base::log::info("stopped");
  return {};
}

base::Result<void> Server::start() {
  std::signal(SIGPIPE, SIG_IGN);
  signals_ =
      std::make_unique<net::Signals>(loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2},
                                     [this](int number) { on_signal(number); });
  if (old_process_) old_process_->attach(loop_, static_cast<OldProcess::Owner&>(*this));
  const auto found = resolved(*settings_);
  if (!found) return found.error();
  const std::vector<net::Address>& addresses = found->backends;  // ids are places still
  if (!settings_->server.access_log_path.empty()) {
    auto log = AccessLog::open(settings_->server.access_log_path, {});
    if (!log) return log.error();
    access_log_ = std::move(*log);
  }
  snapshot_ = std::make_shared<const proxy::Snapshot>(settings_, addresses, keyring_, found->pages);
  sessions_.start(*snapshot_);
  monitor_ = std::make_unique<health::Monitor>(settings_, addresses, loop_, dialer_, base::Random(random_.next()),
                                               static_cast<health::Monitor::Listener&>(*this));
  control_ = std::make_unique<ClusterControl>(ClusterControl::Parts{
      settings_, loop_, dialer_, *monitor_, random_,
      [this](conf::BackendId id) { return loads_[conf::index(id)].in_flight.load(std::memory_order_relaxed); }});
  // Who replaces another process is given its sessions: there are no others.
  drains_ = std::make_unique<Drains>(Drains::Parts{*monitor_, sessions_, *control_, loads_, ordered_moves_,
                                                   may_begin_ ? started_at_ : base::WallTime{}, started_});
  control_->load();
  monitor_->start();
  drains_->on_tick(*snapshot_);
  if (may_begin_) control_->start();
  if (control_->redis() != nullptr) quarantine_.share(*control_->redis(), dialer_, random_);
  start_workers();
  if (auto opened = open_listeners(found->listens); !opened) return opened;
  if (auto opened = open_admin(); !opened) return opened;
  for (const auto& worker : workers_) worker->start();
  silence_ = std::make_unique<SilenceWatch>(settings_, loop_, loads_, workers_, *monitor_);

  base::Duration patience{};
  for (const conf::Pool& pool : settings_->pools) patience = std::max(patience, pool.probe.timeout);
  // While an old process serves there is no hurry.
  const base::Duration slack = old_process_ ? kProbeSlackInUpgrade : kProbeSlack;
  open_->set(loop_.now() + (is_every_backend_judged(*last_view_) ? base::Duration{} : patience + slack));
  clock_.on_tick(loop_.now(), base::wall_now());
  tick_->set(loop_.now() + kTick);
  return {};
}

void Server::start_workers() {
  const Worker::Callbacks callbacks{
      .on_backend_failure =
          [this](conf::BackendId id, base::ErrorCode error, std::uint32_t in_a_row, std::uint32_t threshold) {
            if (!is_worth_reporting(loads_[conf::index(id)], in_a_row, threshold)) return;
            loop_.post([this, id, error, in_a_row] { monitor_->on_passive_failure(id, error, in_a_row); });
          },
      .on_backend_success =
          [this](conf::BackendId id) { loop_.post([this, id] { monitor_->on_passive_success(id); }); },
      .on_request_lost =
          [this](const proxy::LostRequest& lost) { loop_.post([this, lost] { quarantine_.on_lost(lost); }); },
      .on_suspect_answered =
          [this](const proxy::Fingerprint& fingerprint) {
            loop_.post([this, fingerprint] { quarantine_.on_answered(fingerprint); });
          },
      .on_drained = [this] { loop_.post([this] { on_worker_drained(); }); },
      .on_change =
          [this](std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) {
            loop_.post([this, worker, number, change] { on_change(worker, number, change); });
          },
      .on_redis = [this](const redis::RedisState& now) { loop_.post([this, now] { sessions_.on_worker_link(now); }); }};
  const std::uint32_t count = worker_count(*settings_);
  const Worker::Common common{.settings = *settings_,
                              .memory = sessions_.memory(),
                              .slots = sessions_.slots(),
                              .copy_lease = sessions_.copy_lease(),
                              .keyring = keyring_,
                              .loads = loads_,
                              .concurrency = concurrency_,
                              .moves = moves_,
                              .safe_kinds = *safe_kinds_,
                              .connections = connections_,
                              .workers = count,
                              .connections_max = connections_max(*settings_),
                              .access_log = access_log_.get()};
  for (std::uint32_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, common, snapshot_, monitor_->view(), random_.next(), callbacks));
  }
}

base::Result<void> Server::open_listeners(const std::vector<net::Address>& addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    auto sockets = take_over_or_bind(i, addresses[i]);
    if (!sockets) return sockets.error();
    for (std::size_t k = 0; k < sockets->size(); ++k) {
      workers_[k % workers_.size()]->listen(std::move((*sockets)[k]), i);
    }
  }
  return {};
}

base::Result<void> Server::open_admin() {
  if (!settings_->admin.enabled) return {};
  auto socket = take_over_or_bind_admin();
  if (!socket) return socket.error();
  auto tls = load_admin_tls(*settings_);
  if (!tls) return tls.error();
  admin_listener_ = std::make_unique<net::Listener>(
      loop_, std::move(*socket), [this, tls = *tls](std::unique_ptr<net::Stream> stream) {
        if (tls) stream = std::make_unique<net::TlsStream>(tls->accepting(), std::move(stream));
        admin_->accept(std::move(stream));
      });
  if (old_process_) admin_listener_->pause();  // until then it is the old process that is asked
  access_ =
      std::make_unique<admin::Access>(loop_, accounts_of(settings_->admin, admin_listener_->address().port()),
                                      [this](std::string password, std::string hash, std::function<void(bool)> done) {
                                        passwords_.check(std::move(password), std::move(hash), std::move(done));
                                      });
  web::Router router = admin::make_router({.access = *access_,
                                           .source = *this,
                                           .operators = *this,
                                           .sessions = *this,
                                           .rolls = *this,
                                           .reloads = *this,
                                           .quarantine = quarantine_,
                                           .live = live_,
                                           .timeline = timeline_,
                                           .history = history_});
  admin_ = std::make_unique<web::Server>(loop_, std::move(router),
                                         web::HostRule(admin_listener_->address(), settings_->admin.address.host));
  base::log::info("admin_listening",
                  {{"speaks", *tls ? "https" : "http"}, {"address", admin_listener_->address().text()}});
  return {};
}

void Server::take_roll(const admin::RollAsk& ask, admin::RollService::Done done) {
  const cluster::RollHolder wish{.id = ask.id, .backend = ask.backend, .by = ask.by, .since = {}};
  control_->rolls().take(ask.pool, wish,
                         [pool = ask.pool, done = std::move(done)](base::Result<cluster::RollHolder> holder) {
                           if (!holder) return done(holder.error());
                           done(admin::RollAsk{.pool = pool,
                                               .id = std::move(holder->id),
                                               .backend = std::move(holder->backend),
                                               .by = std::move(holder->by),
                                               .since = holder->since});
                         });
}

void Server::on_view(std::shared_ptr<const health::View> view) {
  forget_failures(*view);
  last_view_ = view;
  live_.nudge();
  for (const auto& worker : workers_) worker->set_view(view);
  if (phase_ != Phase::Starting || workers_.empty()) return;
  if (is_every_backend_judged(*view)) open_when_probed();
}

/// Answered when every worker knows: who is told that a backend drains sees no new user arrive there.
void Server::obey(const admin::OperatorAsk& ask, admin::OperatorService::Done done) {
  const auto kept = control_->obey(ask);
  monitor_->publish();
  on_all_workers(&Worker::heartbeat, [kept, done = std::move(done)] { done(kept); });
}

void Server::on_all_workers(void (Worker::*step)(Worker::Done), std::function<void()> then) {
  const auto missing = std::make_shared<std::size_t>(workers_.size());
  const auto on_done = [missing, then = std::move(then)] {
    if (--*missing == 0) then();
  };
  for (const auto& worker : workers_) {
    ((*worker).*step)([this, on_done] { loop_.post(on_done); });
  }
}

void Server::on_event(const health::Event& event) { failovers_.on_event(event, loop_.now(), base::wall_now()); }

/// Any thread.
void Server::nudge_live() {
  if (is_live_nudged_.exchange(true)) return;
  loop_.post([this] {
    is_live_nudged_ = false;
    live_.nudge();
  });
}

/// A backend that has been judged anew starts with a clean slate: who comes back and still fails is ejected again after
/// as many failures as the first time.
void Server::forget_failures(const health::View& view) {
  for (std::size_t i = 0; i < view.backends.size(); ++i) {
    const bool is_known = last_view_ && i < last_view_->backends.size();
    if (is_known && last_view_->backends[i].state == view.backends[i].state) continue;
    loads_[i].failures_in_a_row.store(0, std::memory_order_relaxed);
  }
}

// Serving begins when every backend has answered its first probe, or had the time to: a session that comes back after a
// restart shall not be moved only because its backend has not been looked at yet. Until then clients wait in the
// kernel's queue, or are served by the process we replace.
void Server::open_when_probed() {
  if (phase_ != Phase::Starting || std::exchange(is_probed_, true)) return;
  if (may_begin_) return open();
  old_process_->notify_ready();
}

void Server::open() {
  phase_ = Phase::Serving;
  for (const auto& worker : workers_) worker->open();
  if (admin_listener_) admin_listener_->resume();
  base::log::info("ready", {{"workers", workers_.size()}});
  service_manager::notify_ready();
  watch_loops();
  if (is_reload_due_) reload_by_signal();
}

void Server::watch_loops() {
  const auto allowed = service_manager::watchdog();
  if (!allowed) return;
  const LoopWatch::Callbacks callbacks{.ask =
                                           [this](std::size_t worker) {
                                             workers_[worker]->heartbeat([this, worker] {
                                               loop_.post([this, worker] {
                                                 if (loop_watch_) loop_watch_->on_heartbeat(worker);
                                               });
                                             });
                                           },
                                       .all_turn = [] { service_manager::notify_alive(); }};
  loop_watch_ = std::make_unique<LoopWatch>(loop_, workers_.size(), *allowed / kHeartbeatsPerWatch, callbacks);
  loop_watch_->start();
}

void Server::on_signal(int number) {
  base::log::info("signal", {{"number", number}});
  if (number == SIGUSR1) return reopen_logs();
  if (number == SIGHUP) return reload_by_signal();
  if (number == SIGUSR2) return upgrade();
  // While the process we replace still serves there is nothing to finish.
  const bool may_drain =
      phase_ == Phase::Serving || phase_ == Phase::Leaving || (phase_ == Phase::Starting && may_begin_);
  may_drain ? drain() : stop();
}

void Server::reopen_logs() {
  if (access_log_) access_log_->reopen();
  if (old_process_) old_process_->notify_reopen_logs();
}

void Server::drain() {
  const bool was_leaving = phase_ == Phase::Leaving;
  if (new_process_ && !was_leaving) {
    new_process_->give_up();
    undo_upgrade();
  }
  phase_ = Phase::Draining;
  if (!was_leaving) service_manager::notify_stopping();
  base::log::info("stopping", {{"deadline_ms", base::count_ms(settings_->server.shutdown_deadline)}});
  control_->leave();
  sessions_.leave();
  for (const auto& worker : workers_) worker->drain();
  deadline_->set(loop_.now() + settings_->server.shutdown_deadline);
}

void Server::on_worker_drained() {
  if (++drained_ < workers_.size()) return;
  if (phase_ == Phase::Leaving) sessions_.leave();
  stop();
}

void Server::stop() {
  if (phase_ == Phase::Stopping) return;
  phase_ = Phase::Stopping;
  monitor_->stop();
  for (const auto& worker : workers_) worker->abort();
  loop_.stop();
}

void Server::on_tick() {
  const base::Instant now = loop_.now();
  if (const auto by = clock_.on_tick(now, base::wall_now())) {
    base::log::warn("clock_jumped", {{"by_ms", base::count_ms(*by)}});
  }
  sessions_.on_tick();
  // What operators say from now on the new process hears, and writes down.
  if (phase_ == Phase::Leaving) {
    control_->load();
  } else {
    control_->on_tick();
    if (may_begin_) drains_->on_tick(*snapshot_);
  }
  quarantine_.on_tick();
  watch_failovers(now);
  watch_limits(now);
  note_history(now);
  tick_->set(now + kTick);
}

/// Who has as many sessions as it may, for the balancers; and what people should know of it.
void Server::watch_limits(base::Instant now) {
  for (const conf::Backend& backend : settings_->backends) {
    const bool is_full =
        backend.max_sessions > 0 && sessions_.size_of(snapshot_->tag_of(backend.id)) >= backend.max_sessions;
    loads_[conf::index(backend.id)].has_sessions_max.store(is_full, std::memory_order_relaxed);
  }
  for (const conf::Pool& pool : settings_->pools) {
    if (snapshot_->limits[conf::index(pool.id)] == nullptr) {
      full_watches_.erase(pool.name);
      continue;
    }
    FullWatch& watch = full_watches_[pool.name];
    switch (watch.look(now, sessions_refused(pool.id))) {
      case FullWatch::News::None:
        break;
      case FullWatch::News::Full:
        base::log::warn("pool_full", {{"pool", pool.name}, {"max_sessions", pool.max_sessions}});
        break;
      case FullWatch::News::RoomAgain:
        base::log::info("pool_has_room", {{"pool", pool.name}, {"refused", watch.refused()}});
        break;
    }
  }
}

std::uint64_t Server::sessions_refused(conf::PoolId id) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) {
    const auto* const counters = worker->counters().pool.find(conf::index(id));
    if (counters != nullptr) sum += counters->sessions_refused.get();
  }
  return sum;
}

}  // namespace holdfast::server
