#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "sessions/local_store.h"
#include "sessions/redis_store.h"

namespace holdfast::server {

namespace {
constexpr base::Duration kFlushInterval = std::chrono::milliseconds{200};
}

Worker::Worker(const Common& common, std::shared_ptr<const proxy::Snapshot> snapshot,
               std::shared_ptr<const health::View> view, std::uint64_t seed, Calls calls)
    : calls_(std::move(calls)),
      moves_(common.moves),
      access_log_(common.access_log != nullptr ? common.access_log->feed() : nullptr),
      flush_(loop_.timer([this] { on_flush(); })),
      store_(make_store(common, seed)),
      proxy_(loop_, dialer_,
             proxy::Shared{*store_, common.keyring, common.loads, common.gates, common.connections, common.workers,
                           common.connections_max},
             *this, std::move(snapshot), std::move(view), seed) {}

Worker::~Worker() = default;

std::unique_ptr<sessions::Store> Worker::make_store(const Common& common, std::uint64_t seed) {
  const conf::Settings& settings = common.settings;
  if (settings.sessions.store != conf::SessionStore::Redis)
    return std::make_unique<sessions::LocalStore>(common.memory);
  resolver_ = std::make_unique<net::SystemResolver>(loop_);
  redis_ = std::make_unique<net::RedisLink>(
      net::RedisGround{loop_, dialer_, *resolver_, seed}, settings.redis,
      [this](const net::RedisState& state) {
        const bool is_up = state.word == net::RedisState::Word::Ok;
        if (std::exchange(is_redis_up_, is_up) != is_up) calls_.on_redis(state);
      },
      net::RedisLink::Voice::Silent);
  return std::make_unique<sessions::RedisStore>(
      common.memory, common.hearing, *redis_, loop_,
      sessions::RedisStore::Options{.names = {settings.redis.prefix},
                                    .idle_timeout = settings.sessions.idle_timeout,
                                    .patience = settings.redis.timeout});
}

/// A listener, with the number it has in the settings of the day.
struct Worker::Port {
  std::size_t number;
  std::unique_ptr<net::Listener> listener;
};

void Worker::add_port(net::BoundSocket socket, std::size_t listen) {
  auto port = std::make_unique<Port>(Port{listen, nullptr});
  port->listener = std::make_unique<net::Listener>(
      loop_, std::move(socket),
      [this, to = port.get()](std::unique_ptr<net::Stream> s) { proxy_.accept(std::move(s), to->number); });
  ports_[listen] = std::move(port);
}

void Worker::listen(net::BoundSocket socket, std::size_t listen) {
  add_port(std::move(socket), listen);
  ports_[listen]->listener->pause();
}

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
    for (const auto& [number, port] : ports_) port->listener->resume();
  });
}

void Worker::set_view(std::shared_ptr<const health::View> view) {
  loop_.post([this, view = std::move(view)] { proxy_.set_view(view); });
}

void Worker::reload(Change change) {
  loop_.post([this, change = std::make_shared<Change>(std::move(change))] { take(std::move(*change)); });
}

void Worker::take(Change change) {
  auto before = std::exchange(ports_, {});
  for (auto& [number, port] : before) {
    // What waits in the queue of one that is gone has been accepted by the kernel: it is served, once.
    if (!change.listens[number]) port->listener->accept_waiting();
  }
  proxy_.set_snapshot(std::move(change.snapshot), std::move(change.view), change.listens);
  for (auto& [number, port] : before) {
    if (!change.listens[number]) continue;
    port->number = *change.listens[number];
    ports_[port->number] = std::move(port);
  }
  for (auto& [number, socket] : change.opened) add_port(std::move(socket), number);
}

void Worker::drain() {
  loop_.post([this] {
    for (const auto& [number, port] : ports_) port->listener->accept_waiting();
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

void Worker::on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) {
  if (!proxy_.settings().has(backend)) return;  // a reload has taken it away
  const std::uint32_t threshold = std::max(1u, proxy_.settings().pool_of(backend).passive.failures);
  calls_.on_backend_failure(backend, error, in_a_row, threshold);
}
void Worker::on_backend_success(conf::BackendId backend) { calls_.on_backend_success(backend); }

void Worker::on_access_line(std::string_view line) {
  if (access_log_) access_log_->write(line.substr(0, line.size() - 1));  // it adds the newline itself
}

void Worker::on_drained() { calls_.on_drained(); }

void Worker::on_flush() {
  access_log_->flush();
  flush_->set(loop_.now() + kFlushInterval);
}

}  // namespace holdfast::server
