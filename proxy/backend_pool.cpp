#include "proxy/backend_pool.h"

#include <utility>

#include "base/check.h"

namespace holdfast::proxy {

BackendConnection::BackendConnection(BackendPool& pool, conf::BackendId backend, std::unique_ptr<net::Stream> stream)
    : pool_(pool), backend_(backend), stream_(std::move(stream)) {}

void BackendConnection::on_readable() { pool_.discard(*this); }

void Lease::keep() {
  if (connection_) pool_->put(std::move(connection_));
}

void Lease::close() { pool_->bury(std::move(connection_)); }

BackendPool::BackendPool(base::Scheduler& scheduler, std::size_t backends, std::size_t idle_max,
                         base::Duration idle_timeout)
    : scheduler_(scheduler),
      idle_of_(backends),
      idle_max_(idle_max),
      idle_timeout_(idle_timeout),
      timer_(scheduler.timer([this] { on_tick(); })) {}

BackendPool::~BackendPool() = default;

void BackendPool::configure(std::size_t backends, std::size_t idle_max, base::Duration idle_timeout) {
  idle_of_.resize(backends);
  idle_max_ = idle_max;
  idle_timeout_ = idle_timeout;
  if (oldest_ != nullptr) timer_->set(oldest_->idle_since_ + idle_timeout_);
}

Lease BackendPool::take(conf::BackendId backend) {
  auto& idle = idle_of_[conf::index(backend)];
  while (!idle.empty()) {
    auto connection = unlink(*idle.back());
    if (connection->stream().peer_ended()) {  // its event is still under way in this turn
      bury(std::move(connection));
      continue;
    }
    connection->stream().set_handler(nullptr);
    ++connection->uses_;
    return {*this, std::move(connection)};
  }
  return {};
}

Lease BackendPool::adopt(conf::BackendId backend, std::unique_ptr<net::Stream> stream) {
  return {*this, std::make_unique<BackendConnection>(*this, backend, std::move(stream))};
}

void BackendPool::put(std::unique_ptr<BackendConnection> connection) {
  auto& idle = idle_of_[conf::index(connection->backend_)];
  if (idle.size() >= idle_max_ || connection->stream().peer_ended()) return bury(std::move(connection));
  connection->stream().set_handler(connection.get());
  connection->idle_since_ = scheduler_.now();
  connection->slot_ = static_cast<std::uint32_t>(idle.size());
  connection->older_ = newest_;
  connection->newer_ = nullptr;
  (newest_ != nullptr ? newest_->newer_ : oldest_) = connection.get();
  newest_ = connection.get();
  if (++idle_ == 1) timer_->set(connection->idle_since_ + idle_timeout_);
  idle.push_back(std::move(connection));
}

std::unique_ptr<BackendConnection> BackendPool::unlink(BackendConnection& connection) {
  (connection.older_ != nullptr ? connection.older_->newer_ : oldest_) = connection.newer_;
  (connection.newer_ != nullptr ? connection.newer_->older_ : newest_) = connection.older_;
  --idle_;
  auto& idle = idle_of_[conf::index(connection.backend_)];
  auto taken = std::move(idle[connection.slot_]);
  // The order by age matters little inside one backend's list: the last one fills the gap.
  if (connection.slot_ + 1 != idle.size()) {
    idle[connection.slot_] = std::move(idle.back());
    idle[connection.slot_]->slot_ = connection.slot_;
  }
  idle.pop_back();
  return taken;
}

void BackendPool::discard(BackendConnection& connection) { bury(unlink(connection)); }

void BackendPool::bury(std::unique_ptr<BackendConnection> connection) {
  connection->stream().set_handler(nullptr);
  scheduler_.bury(std::move(connection));
}

void BackendPool::drain(conf::BackendId backend) {
  auto& idle = idle_of_[conf::index(backend)];
  while (!idle.empty()) bury(unlink(*idle.back()));
}

void BackendPool::on_tick() {
  const base::Instant now = scheduler_.now();
  while (oldest_ != nullptr && oldest_->idle_since_ + idle_timeout_ <= now) discard(*oldest_);
  if (oldest_ != nullptr) timer_->set(oldest_->idle_since_ + idle_timeout_);
}

}  // namespace holdfast::proxy
