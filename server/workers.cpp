#include "server/workers.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "server/service_manager.h"

namespace holdfast::server {

namespace {

// Above a backend's own threshold, failures in a row are reported no more often: an outage is not a flood of messages.
constexpr base::Duration kReportedEvery = std::chrono::milliseconds{50};
// Descriptors for files, listeners, loops, probes, the admin listener.
constexpr rlim_t kOwnDescriptorsMax = 256;

rlim_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

/// How many clients there may be, each with a backend connection of its own. Logs it when that is less than configured.
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

std::uint32_t worker_count(const conf::Settings& settings) {
  return settings.server.workers != 0 ? settings.server.workers : std::max(1u, std::thread::hardware_concurrency());
}

bool is_worth_reporting(proxy::BackendLoad& load, std::uint32_t in_a_row, std::uint32_t threshold) {
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::int64_t told = load.failure_told_ns.load(std::memory_order_relaxed);
  if (in_a_row > threshold && now - told < kReportedEvery.count()) return false;
  load.failure_told_ns.store(now, std::memory_order_relaxed);
  return true;
}

}  // namespace

Workers::Workers(base::Scheduler& loop, const conf::Settings& settings, Owner& owner)
    : loop_(loop),
      owner_(owner),
      loads_(settings.backend_ids()),
      concurrency_(settings),
      safe_kinds_(std::make_unique<proxy::SafeKinds>()) {}

Workers::~Workers() = default;

void Workers::make(const Parts& parts) {
  listener_ = &parts.listener;
  const conf::Settings& settings = *parts.config.settings;
  const std::uint32_t count = worker_count(settings);
  const Worker::Common common{.settings = settings,
                              .memory = parts.sessions.memory(),
                              .slots = parts.sessions.slots(),
                              .copy_lease = parts.sessions.copy_lease(),
                              .keyring = parts.keyring,
                              .loads = loads_,
                              .concurrency = concurrency_,
                              .moves = moves_,
                              .safe_kinds = *safe_kinds_,
                              .connections = connections_,
                              .workers = count,
                              .connections_max = connections_max(settings),
                              .access_log = parts.access_log};
  Worker::Owner& owner = *this;
  for (std::uint32_t i = 0; i < count; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(i, common, parts.config.snapshot, parts.view, parts.random.next(), owner));
  }
}

void Workers::listen(std::vector<net::BoundSocket> sockets, std::size_t listen) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    workers_[i % workers_.size()]->listen(std::move(sockets[i]), listen);
  }
}

void Workers::stop_and_join() {
  each(&Worker::stop);
  each(&Worker::join);
}

void Workers::on_all(void (Worker::*step)(Worker::Done), std::function<void()> then) {
  const auto missing = std::make_shared<std::size_t>(workers_.size());
  const auto on_done = [missing, then = std::move(then)] {
    if (--*missing == 0) then();
  };
  for (const auto& worker : workers_) {
    ((*worker).*step)([this, on_done] { loop_.post(on_done); });
  }
}

void Workers::configure(const conf::Settings& settings) {
  loads_.grow(settings.backend_ids());
  concurrency_.configure(settings);
}

void Workers::reload(const Worker::Reload& change, Sockets& opened) {
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    Worker::Reload own{.snapshot = change.snapshot, .view = change.view, .listens = change.listens, .opened = {}};
    for (auto& [number, sockets] : opened) own.opened.emplace_back(number, std::move(sockets[worker]));
    workers_[worker]->reload(std::move(own));
  }
}

void Workers::watch(base::Duration interval) {
  LoopWatch::Owner& owner = *this;
  loop_watch_ = std::make_unique<LoopWatch>(loop_, workers_.size(), interval, owner);
  loop_watch_->start();
}

void Workers::on_ask(std::size_t worker) {
  workers_[worker]->heartbeat([this, worker] {
    loop_.post([this, worker] {
      if (loop_watch_) loop_watch_->on_heartbeat(worker);
    });
  });
}

void Workers::on_all_turning() { service_manager::notify_alive(); }

// ---- on the thread of a worker

void Workers::on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row,
                                 std::uint32_t threshold) {
  if (!is_worth_reporting(loads_[conf::index(backend)], in_a_row, threshold)) return;
  loop_.post([this, backend, error, in_a_row] { listener_->on_backend_failure(backend, error, in_a_row); });
}

void Workers::on_backend_success(conf::BackendId backend) {
  loop_.post([this, backend] { listener_->on_backend_success(backend); });
}

void Workers::on_request_lost(const proxy::LostRequest& lost) {
  loop_.post([this, lost] { listener_->on_request_lost(lost); });
}

void Workers::on_suspect_answered(const proxy::Fingerprint& fingerprint) {
  loop_.post([this, fingerprint] { listener_->on_suspect_answered(fingerprint); });
}

void Workers::on_drained() {
  loop_.post([this] {
    if (++drained_ >= workers_.size()) owner_.on_all_drained();
  });
}

void Workers::on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) {
  loop_.post([this, worker, number, change] { owner_.on_change(worker, number, change); });
}

void Workers::on_link(const redis::RedisState& state) {
  loop_.post([this, state] { owner_.on_worker_link(state); });
}

}  // namespace holdfast::server
