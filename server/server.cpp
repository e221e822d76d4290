#include "server/server.h"

#include <algorithm>
#include <csignal>
#include <span>
#include <utility>

#include "base/log.h"
#include "base/log_watch.h"
#include "base/text.h"
#include "server/listen_sockets.h"
#include "server/named_files.h"
#include "server/service_manager.h"

namespace holdfast::server {

namespace {

// Beyond the longest probe timeout: how long the first probes are waited for.
constexpr base::Duration kProbeSlack = std::chrono::milliseconds{300};
constexpr base::Duration kProbeSlackInUpgrade = std::chrono::seconds{10};
constexpr base::Duration kTick = std::chrono::seconds{1};
// Signs of life in the time that the service manager waits for one.
constexpr int kHeartbeatsPerWatch = 3;

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

/// Tells the event ids of this start from those of another.
std::string run_name() {
  const auto id = sessions::random_id();
  return base::to_hex(std::span(id).first(4));
}

std::unique_ptr<redis::RedisHub> make_hub(const conf::Settings& settings, net::Loop& loop, net::Dialer& dialer,
                                          base::Random& random) {
  if (!settings.redis.is_present) return nullptr;
  return std::make_unique<redis::RedisHub>(loop, dialer, std::make_unique<net::SystemResolver>(loop), settings.redis,
                                           random);
}

}  // namespace

Server::Server(std::shared_ptr<const conf::Settings> settings, std::string_view secret, Origin origin)
    : timeline_(run_name(), [this] { on_timeline_grown(); }),
      keyring_(secret),
      random_(random_seed()),
      config_{std::move(settings), nullptr},
      hub_(make_hub(*config_.settings, loop_, dialer_, random_)),
      started_{.at = loop_.now()},
      sessions_(*config_.settings, loop_, hub_.get(), random_,
                origin.old_process ? origin.old_process->store_start() : started_.at),
      workers_(loop_, *config_.settings, static_cast<Workers::Owner&>(*this)),
      upgrade_({loop_, config_, sessions_, workers_, static_cast<Upgrade::Owner&>(*this)}, std::move(origin.words),
               std::move(origin.old_process)),
      reload_({loop_, config_, sessions_, workers_, static_cast<Reload::Owner&>(*this)}, std::move(origin.read)),
      open_(loop_.timer([this] { open_when_probed(); })),
      deadline_(loop_.timer([this] { stop(); })),
      tick_(loop_.timer([this] { on_tick(); })) {
  base::log_watch(&timeline_);
}

Server::~Server() { base::log_watch(nullptr); }

base::Result<void> Server::run() {
  if (auto started = start(); !started) {
    if (backends_) backends_->stop();
    upgrade_.notify_failed(started.error().text);
    return started;
  }
  loop_.run();
  workers_.stop_and_join();
  base::log::info("stopped");
  return {};
}

base::Result<void> Server::start() {
  std::signal(SIGPIPE, SIG_IGN);
  signals_ =
      std::make_unique<net::Signals>(loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2},
                                     [this](int number) { on_signal(number); });
  upgrade_.attach();
  const auto found = resolved(*config_.settings);
  if (!found) return found.error();
  if (auto opened = open_access_log(); !opened) return opened;
  const std::vector<net::Address>& addresses = found->backends;  // ids are still positions in the list
  config_.snapshot = std::make_shared<const proxy::Snapshot>(config_.settings, addresses, keyring_, found->pages);
  sessions_.start(*config_.snapshot);
  start_backends(addresses);
  if (auto opened = open_listeners(found->listens); !opened) return opened;
  if (auto opened = open_admin(); !opened) return opened;
  workers_.each(&Worker::start);
  open_->set(first_probes_due());
  clock_.on_tick(loop_.now(), base::wall_now());
  tick_->set(loop_.now() + kTick);
  return {};
}

base::Result<void> Server::open_access_log() {
  const std::string& path = config_.settings->server.access_log_path;
  if (path.empty()) return {};
  auto log = AccessLog::open(path, {});
  if (!log) return log.error();
  access_log_ = std::move(*log);
  return {};
}

/// Starts what watches backends, then makes the workers, which need a first View.
void Server::start_backends(const std::vector<net::Address>& addresses) {
  // A process that replaces another is given its sessions: there are no others.
  const StartTime drains_since{.at = started_.at, .wall = upgrade_.may_begin() ? started_.wall : base::WallTime{}};
  BackendControl::Owner& owner = *this;
  backends_ = std::make_unique<BackendControl>(
      BackendControl::Parts{config_, loop_, dialer_, hub_.get(), random_, sessions_, workers_, owner, drains_since},
      addresses);
  backends_->start(acting());
  if (hub_) hub_->start();  // all have said what they want to hear
  workers_.make({.config = config_,
                 .sessions = sessions_,
                 .keyring = keyring_,
                 .access_log = access_log_.get(),
                 .random = random_,
                 .view = backends_->monitor().view(),
                 .listener = *backends_});
}

base::Result<void> Server::open_listeners(const std::vector<net::Address>& addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    auto sockets =
        take_over_or_bind(upgrade_.old_process(), config_.settings->listens[i], addresses[i], workers_.size());
    if (!sockets) return sockets.error();
    workers_.listen(std::move(*sockets), i);
  }
  return {};
}

base::Result<void> Server::open_admin() {
  const conf::Settings& settings = *config_.settings;
  if (!settings.admin.enabled) return {};
  auto socket = take_over_or_bind_admin(upgrade_.old_process(), settings.admin);
  if (!socket) return socket.error();
  auto tls = load_admin_tls(settings);
  if (!tls) return tls.error();
  admin_ = std::make_unique<AdminEndpoint>(
      AdminEndpoint::Parts{
          .loop = loop_,
          .admin = settings.admin,
          .status = {config_, sessions_, workers_, *backends_, reload_, access_log_.get(), phase_, started_},
          .operators = {config_, keyring_, sessions_, workers_, *backends_},
          .reload = reload_,
          .timeline = timeline_},
      std::move(*socket), std::move(*tls));
  if (upgrade_.old_process() != nullptr) admin_->pause();  // until on_begin() the old process is asked
  return {};
}

base::Instant Server::first_probes_due() {
  if (is_every_backend_judged(backends_->view())) return loop_.now();
  base::Duration patience{};
  for (const conf::Pool& pool : config_.settings->pools) patience = std::max(patience, pool.probe.timeout);
  // While an old process serves there is no hurry.
  return loop_.now() + patience + (upgrade_.old_process() != nullptr ? kProbeSlackInUpgrade : kProbeSlack);
}

void Server::on_view(std::shared_ptr<const health::View> view) {
  if (admin_) admin_->nudge();
  workers_.each(&Worker::set_view, view);
  if (phase_ == Phase::Starting && workers_.size() > 0 && is_every_backend_judged(*view)) open_when_probed();
}

void Server::on_timeline_grown() {
  if (is_nudged_.exchange(true)) return;
  loop_.post([this] {
    is_nudged_ = false;
    if (admin_) admin_->nudge();
  });
}

// Serving begins when every backend has answered its first probe, or had the time to: a session that comes back after a
// restart must not be moved only because its backend has not been looked at yet. Until then clients wait in the
// kernel's queue, or are served by the process we replace.
void Server::open_when_probed() {
  if (phase_ != Phase::Starting || std::exchange(is_probed_, true)) return;
  if (upgrade_.may_begin()) return open();
  upgrade_.notify_ready();
}

void Server::open() {
  phase_ = Phase::Serving;
  workers_.each(&Worker::open);
  if (admin_) admin_->resume();
  base::log::info("ready", {{"workers", workers_.size()}});
  service_manager::notify_ready();
  if (const auto allowed = service_manager::watchdog()) workers_.watch(*allowed / kHeartbeatsPerWatch);
  reload_.reload_if_due();
}

BackendControl::Acting Server::acting() const {
  if (phase_ == Phase::Leaving) return BackendControl::Acting::NewProcess;
  return upgrade_.may_begin() ? BackendControl::Acting::ThisProcess : BackendControl::Acting::OldProcess;
}

void Server::on_tick() {
  const base::Instant now = loop_.now();
  if (const auto by = clock_.on_tick(now, base::wall_now())) {
    base::log::warn("clock_jumped", {{"by_ms", base::count_ms(*by)}});
  }
  sessions_.on_tick();
  backends_->on_tick(acting());
  if (admin_) admin_->on_tick();
  tick_->set(now + kTick);
}

// ---- signals

void Server::on_signal(int number) {
  base::log::info("signal", {{"number", number}});
  if (number == SIGUSR1) return reopen_logs();
  if (number == SIGHUP) return reload_.reload_by_signal();
  if (number == SIGUSR2) return upgrade();
  // While the process we replace still serves there is nothing to finish.
  const bool may_drain =
      phase_ == Phase::Serving || phase_ == Phase::Leaving || (phase_ == Phase::Starting && upgrade_.may_begin());
  may_drain ? drain() : stop();
}

void Server::reopen_logs() {
  if (access_log_) access_log_->reopen();
  upgrade_.notify_reopen_logs();
}

/// What keeps us from an upgrade now; empty: nothing.
std::string_view Server::upgrade_hindrance() const {
  if (phase_ != Phase::Serving) return phase_ == Phase::Starting ? "the proxy is starting" : "it is stopping";
  if (upgrade_.is_under_way()) return "another upgrade is under way";
  return reload_.is_under_way() ? "a reload is under way" : "";
}

void Server::upgrade() {
  if (const std::string_view reason = upgrade_hindrance(); !reason.empty()) {
    return base::log::error("upgrade_failed", {{"reason", reason}, {"effect", "nothing has changed"}});
  }
  std::vector<NewProcess::Socket> sockets;
  if (admin_) {
    using upgrade::PassedSocket;
    sockets.push_back({{PassedSocket::Use::Admin, config_.settings->admin.address.text()}, admin_->duplicate_socket()});
  }
  upgrade_.start(std::move(sockets));
}

void Server::drain() {
  const bool was_leaving = phase_ == Phase::Leaving;
  if (!was_leaving) upgrade_.cancel();
  phase_ = Phase::Draining;
  if (!was_leaving) service_manager::notify_stopping();
  const base::Duration allowed = config_.settings->server.shutdown_deadline;
  base::log::info("stopping", {{"deadline_ms", base::count_ms(allowed)}});
  backends_->leave();
  sessions_.leave();
  workers_.each(&Worker::drain);
  deadline_->set(loop_.now() + allowed);
}

void Server::on_all_drained() {
  if (phase_ == Phase::Leaving) sessions_.leave();
  stop();
}

void Server::stop() {
  if (phase_ == Phase::Stopping) return;
  phase_ = Phase::Stopping;
  backends_->stop();
  workers_.each(&Worker::abort);
  loop_.stop();
}

// ---- upgrade

void Server::on_begin() {
  if (phase_ != Phase::Starting) return;
  backends_->begin();
  if (is_probed_) open();
}

void Server::on_handed_over() {
  phase_ = Phase::Leaving;
  workers_.stop_watching();
  backends_->leave();
  if (admin_) admin_->leave();
  deadline_->set(loop_.now() + config_.settings->server.upgrade_deadline);
}

// ---- reload

Reload::Moment Server::moment() const {
  if (phase_ == Phase::Starting) return Reload::Moment::Starting;
  if (phase_ != Phase::Serving) return Reload::Moment::Stopping;
  return upgrade_.is_under_way() ? Reload::Moment::Upgrading : Reload::Moment::Good;
}

void Server::on_new_config(NewConfig fresh) {
  workers_.configure(*fresh.settings);
  config_.settings = fresh.settings;
  config_.snapshot =
      std::make_shared<const proxy::Snapshot>(config_.settings, fresh.addresses, keyring_, std::move(fresh.pages));
  sessions_.start(*config_.snapshot);
  if (admin_) admin_->reload();
  backends_->reload(fresh.addresses);
  workers_.reload({.snapshot = config_.snapshot,
                   .view = backends_->monitor().view(),
                   .listens = std::move(fresh.listens),
                   .opened = {}},
                  fresh.opened);
}

}  // namespace holdfast::server
