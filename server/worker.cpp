#include "server/worker.h"

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

base::Result<net::Address> Worker::listen(const net::Address& address, std::size_t listen) {
  auto opened = net::Listener::open(loop_, address, [this, listen](std::unique_ptr<net::Stream> stream) {
    proxy_.accept(std::move(stream), listen);
  });
  if (!opened) return opened.error();
  (*opened)->pause();
  listeners_.push_back(std::move(*opened));
  return listeners_.back()->address();
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
    for (const auto& listener : listeners_) listener->resume();
  });
}

void Worker::set_view(std::shared_ptr<const health::View> view) {
  loop_.post([this, view = std::move(view)] { proxy_.set_view(view); });
}

void Worker::drain() {
  loop_.post([this] {
    for (const auto& listener : listeners_) listener->accept_waiting();
    listeners_.clear();
    proxy_.drain();
  });
}

void Worker::abort() {
  loop_.post([this] {
    listeners_.clear();
    proxy_.abort();
  });
}

void Worker::stop() { loop_.stop(); }

void Worker::on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) {
  calls_.on_backend_failure(backend, error, in_a_row);
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
