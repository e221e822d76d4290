#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/scheduler.h"
#include "conf/settings.h"
#include "net/stream.h"

namespace holdfast::proxy {

class BackendPool;

/// One connection to a backend. Owned by the pool while idle, by a Lease while busy.
class BackendConnection final : public base::Buried, private net::StreamHandler {
 public:
  BackendConnection(BackendPool& pool, conf::BackendId backend, std::unique_ptr<net::Stream> stream);

  net::Stream& stream() { return *stream_; }
  conf::BackendId backend() const { return backend_; }
  bool is_reused() const { return uses_ > 1; }

 private:
  friend class BackendPool;
  // While idle: whatever happens on the connection (the peer's end, stray bytes) makes it useless.
  void on_readable() override;
  void on_writable() override {}

  BackendPool& pool_;
  conf::BackendId backend_;
  std::unique_ptr<net::Stream> stream_;
  std::uint32_t uses_ = 1;
  base::Instant idle_since_{};
  std::uint32_t slot_ = 0;              // in the backend's list while idle
  BackendConnection* older_ = nullptr;  // the pool's list by age while idle
  BackendConnection* newer_ = nullptr;
};

/// A busy connection, lent by the pool or freshly dialled. Ends by keep() or by being closed: no error path has to
/// remember.
class Lease {
 public:
  Lease() = default;
  Lease(BackendPool& pool, std::unique_ptr<BackendConnection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept {
    drop();
    pool_ = other.pool_;
    connection_ = std::move(other.connection_);
    return *this;
  }
  ~Lease() { drop(); }

  explicit operator bool() const { return connection_ != nullptr; }
  BackendConnection& operator*() const { return *connection_; }
  BackendConnection* operator->() const { return connection_.get(); }

  /// Gives the connection back for reuse.
  void keep();
  /// Closes the connection, after the current callbacks have returned.
  void drop() {
    if (connection_) close();
  }

 private:
  void close();

  BackendPool* pool_ = nullptr;
  std::unique_ptr<BackendConnection> connection_;
};

/// Idle keep-alive connections to backends, for one worker; most recently used first. Lives on its worker's thread;
/// `scheduler` outlives it.
class BackendPool {
 public:
  /// For ids below `backends`. `idle_max` per backend; an idle connection is closed after `idle_timeout`.
  BackendPool(base::Scheduler& scheduler, std::size_t backends, std::size_t idle_max, base::Duration idle_timeout);
  BackendPool(const BackendPool&) = delete;
  BackendPool& operator=(const BackendPool&) = delete;
  ~BackendPool();

  /// The same anew, after a reload; there are never fewer backends.
  void configure(std::size_t backends, std::size_t idle_max, base::Duration idle_timeout);
  /// The most recently used idle connection, or an empty Lease when one must be dialled.
  Lease take(conf::BackendId backend);
  /// Wraps what a dialer made.
  Lease adopt(conf::BackendId backend, std::unique_ptr<net::Stream> stream);
  /// Closes what is idle now.
  void drain(conf::BackendId backend);
  std::size_t idle_count() const { return idle_; }

 private:
  friend class Lease;
  friend class BackendConnection;
  void put(std::unique_ptr<BackendConnection> connection);
  std::unique_ptr<BackendConnection> unlink(BackendConnection& connection);
  void discard(BackendConnection& connection);
  void bury(std::unique_ptr<BackendConnection> connection);
  void on_tick();

  base::Scheduler& scheduler_;
  std::vector<std::vector<std::unique_ptr<BackendConnection>>> idle_of_;  // by BackendId, most recent last
  std::size_t idle_max_;
  base::Duration idle_timeout_;
  std::unique_ptr<base::Timer> timer_;
  BackendConnection* oldest_ = nullptr;
  BackendConnection* newest_ = nullptr;
  std::size_t idle_ = 0;
};

}  // namespace holdfast::proxy
