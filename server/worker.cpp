#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "sessions/redis_store.h"

namespace holdfast::server {

namespace {
constexpr base::Duration kFlushInterval = std::chrono::milliseconds{200};
}

Worker::Worker(std::size_t number, const Common& common, std::shared_ptr<const proxy::Snapshot> snapshot,
               std::shared_ptr<const health::View> view, std::uint64_t seed, Owner& owner)
    : number_(number),
      owner_(owner),
      moves_(common.moves),
      access_log_(common.access_log != nullptr ? common.access_log->feed() : nullptr),
      flush_(loop_.timer([this] { on_flush(); })),
      store_(make_store(common, seed)),
      proxy_(loop_, dialer_,
             proxy::Shared{*store_, common.keyring, common.loads, common.concurrency, common.safe_kinds,
                           common.connections, common.workers, common.connections_max},
             *this, std::move(snapshot), std::move(view), seed) {}

Worker::~Worker() = default;

std::unique_ptr<sessions::Store> Worker::make_store(const Common& common, std::uint64_t seed) {
  const conf::Settings& settings = common.settings;
  if (settings.sessions.store != conf::SessionStore::Redis) {
    auto local = std::make_unique<sessions::LocalStore>(common.memory, common.slots);
    local_ = local.get();
    return local;
  }
  resolver_ = std::make_unique<net::SystemResolver>(loop_);
  redis_ = std::make_unique<redis::RedisLink>(
      redis::RedisContext{loop_, dialer_, *resolver_, seed}, settings.redis,
      [this](const redis::RedisState& state) {
        const bool is_up = state.word == redis::RedisState::Word::Ok;
        if (std::exchange(is_redis_up_, is_up) != is_up) owner_.on_link(state);
      },
      redis::RedisLink::Logging::Off);
  return std::make_unique<sessions::RedisStore>(
      common.memory, common.slots, common.copy_lease, *redis_, loop_,
      sessions::RedisStore::Options{.names = {settings.redis.prefix},
                                    .idle_timeout = settings.sessions.idle_timeout,
                                    .patience = settings.redis.timeout});
}

/// A listening socket, with the number its listener has in the settings of the day.
struct Worker::Port {
  std::size_t number;
  std::unique_ptr<net::Listener> listener;
};

net::Listener& Worker::add_port(net::BoundSocket socket, std::size_t listen) {
  ports_.push_back(std::make_unique<Port>(Port{listen, nullptr}));
  Port* const port = ports_.back().get();
  port->listener = std::make_unique<net::Listener>(
      loop_, std::move(socket),
      [this, port](std::unique_ptr<net::Stream> stream) { proxy_.accept(std::move(stream), port->number); });
  return *port->listener;
}

void Worker::listen(net::BoundSocket socket, std::size_t listen) { add_port(std::move(socket), listen).pause(); }

void Worker::start() {
  thread_ = std::thread([this] {
    if (access_log_) flush_->set(loop_.now() + kFlushInterval);
    loop_.run();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::open() {
  loop_.post([this] {
    for (const auto& port : ports_) {
      port->listener->listen();
      port->listener->resume();
    }
  });
}

void Worker::set_view(std::shared_ptr<const health::View> view) {
  loop_.post([this, view = std::move(view)] { proxy_.set_view(view); });
}

void Worker::set_quarantine(std::shared_ptr<const proxy::QuarantineView> quarantine) {
  loop_.post([this, quarantine = std::move(quarantine)] { proxy_.set_quarantine(quarantine); });
}

void Worker::reload(Reload change) {
  loop_.post([this, change = std::make_shared<Reload>(std::move(change))] { take(std::move(*change)); });
}

void Worker::take(Reload change) {
  auto before = std::exchange(ports_, {});
  for (const auto& port : before) {
    // What waits in the queue of one that is gone has been accepted by the kernel: it is served, once.
    if (!change.listens[port->number]) port->listener->accept_last();
  }
  proxy_.set_snapshot(std::move(change.snapshot), std::move(change.view), change.listens);
  for (auto& port : before) {
    if (!change.listens[port->number]) continue;
    port->number = *change.listens[port->number];
    ports_.push_back(std::move(port));
  }
  for (auto& [number, socket] : change.opened) add_port(std::move(socket), number);
}

void Worker::drain() {
  loop_.post([this] {
    for (const auto& port : ports_) port->listener->accept_last();
    ports_.clear();
    proxy_.drain();
  });
}

void Worker::abort() {
  loop_.post([this] {
    ports_.clear();
    proxy_.abort();
  });
}

void Worker::stop() { loop_.stop(); }

void Worker::heartbeat(Done done) { loop_.post(std::move(done)); }

void Worker::duplicate_sockets(std::function<void(std::vector<PassedSocket>)> done) {
  loop_.post([this, done = std::move(done)] {
    std::vector<PassedSocket> sockets;
    for (const auto& port : ports_) sockets.push_back({port->number, port->listener->duplicate()});
    done(std::move(sockets));
  });
}

void Worker::suspend(Done done) {
  loop_.post([this, done = std::move(done)] {
    if (local_ != nullptr) {
      local_->suspend([this](std::uint64_t number, const sessions::SessionChange& change) {
        owner_.on_change(number_, number, change);
      });
    }
    done();
  });
}

void Worker::step_aside(Done done) {
  loop_.post([this, done = std::move(done)] {
    for (const auto& port : ports_) port->listener->pause();
    if (local_ != nullptr) local_->distrust();
    done();
  });
}

void Worker::step_back() {
  loop_.post([this] {
    for (const auto& port : ports_) port->listener->resume();
    if (local_ != nullptr) local_->resume(loop_.now());
  });
}

void Worker::leave(std::vector<std::size_t> unclaimed) {
  loop_.post([this, unclaimed = std::move(unclaimed)] {
    for (const auto& port : ports_) {
      if (std::find(unclaimed.begin(), unclaimed.end(), port->number) != unclaimed.end()) {
        port->listener->accept_last();
      }
    }
    ports_.clear();
    proxy_.leave();
  });
}

void Worker::on_told(std::uint64_t change, const sessions::BindResult& holds) {
  loop_.post([this, change, holds] { local_->on_response(change, holds, loop_.now()); });
}

void Worker::decide_alone() {
  loop_.post([this] {
    if (local_ != nullptr) local_->resume(loop_.now());
  });
}

void Worker::on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) {
  if (!proxy_.settings().has(backend)) return;  // a reload has taken it away
  const std::uint32_t threshold = std::max(1u, proxy_.settings().pool_of(backend).passive.failures);
  owner_.on_backend_failure(backend, error, in_a_row, threshold);
}
void Worker::on_backend_success(conf::BackendId backend) { owner_.on_backend_success(backend); }

void Worker::on_access_line(std::string_view line) {
  if (access_log_) access_log_->write(line.substr(0, line.size() - 1));  // it adds the newline itself
}

void Worker::on_drained() { owner_.on_drained(); }

void Worker::on_flush() {
  access_log_->flush();
  flush_->set(loop_.now() + kFlushInterval);
}

}  // namespace holdfast::server
