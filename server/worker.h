#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "net/listener.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tcp_dialer.h"
#include "proxy/proxy.h"
#include "redis/link.h"
#include "server/access_log.h"
#include "sessions/copy_lease.h"
#include "sessions/local_store.h"
#include "sessions/memory_store.h"
#include "sessions/session_slots.h"
#include "sessions/store.h"

namespace holdfast::server {

/// One loop on one thread: listeners, and the data path behind them. Built and destroyed by the Server's thread, while
/// its own is not running; between start() and join() everything comes through its loop.
class Worker final : private proxy::ProxyListener {
 public:
  using Done = std::function<void()>;

  /// Called on the worker's thread.
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// `threshold` failures in a row are what the backend's pool ejects for.
    virtual void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row,
                                    std::uint32_t threshold) = 0;
    virtual void on_backend_success(conf::BackendId backend) = 0;
    virtual void on_request_lost(const proxy::LostRequest& lost) = 0;
    virtual void on_suspect_answered(const proxy::Fingerprint& fingerprint) = 0;
    virtual void on_drained() = 0;
    /// A change to the session map that another process decides (suspend()).
    virtual void on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) = 0;
    /// The worker's link to Redis has become Ok, or has stopped being Ok.
    virtual void on_link(const redis::RedisState& state) = 0;
  };

  /// What the workers have in common; outlives them.
  struct Common {
    const conf::Settings& settings;
    sessions::MemoryStore& memory;
    sessions::SessionSlots& slots;
    sessions::CopyLease& copy_lease;
    const sessions::Keyring& keyring;
    proxy::Loads& loads;
    proxy::ConcurrencyLimits& concurrency;
    sessions::MoveLog& moves;
    proxy::SafeKinds& safe_kinds;
    std::atomic<std::uint32_t>& connections;
    std::uint32_t workers = 1;
    std::uint32_t connections_max = 0;
    AccessLog* access_log = nullptr;  ///< nullptr: off.
  };

  /// `number` is its place among the workers; `owner` outlives it.
  Worker(std::size_t number, const Common& common, std::shared_ptr<const proxy::Snapshot> snapshot,
         std::shared_ptr<const health::View> view, std::uint64_t seed, Owner& owner);
  ~Worker() override;

  /// Takes a socket for listener number `listen`, paused; there may be several. Before start().
  void listen(net::BoundSocket socket, std::size_t listen);
  void start();
  void join();

  // Any thread; carried out on the worker's.
  void open();
  void set_view(std::shared_ptr<const health::View> view);
  void set_quarantine(std::shared_ptr<const proxy::QuarantineView> quarantine);
  /// What a reload changes for a worker.
  struct Reload {
    std::shared_ptr<const proxy::Snapshot> snapshot;
    std::shared_ptr<const health::View> view;
    std::vector<std::optional<std::size_t>> listens;  ///< For each old listener its new number, if it stays.
    std::vector<std::pair<std::size_t, net::BoundSocket>> opened;  ///< New ones by their number.
  };
  void reload(Reload change);
  void drain();
  void abort();
  void stop();
  /// Answers as soon as its loop turns.
  void heartbeat(Done done);

  // An upgrade, step by step; `done` is called on the worker's thread.
  struct PassedSocket {
    std::size_t listen = 0;
    net::Descriptor descriptor;  ///< Not open: there are no descriptors left.
  };
  /// Its listening sockets once more, for another process.
  void duplicate_sockets(std::function<void(std::vector<PassedSocket>)> done);
  /// Changes to the session map in memory go to Owner::on_change from now on.
  void suspend(Done done);
  /// Accepts no more: what comes waits in the kernel's queues. The map in memory may be out of date from now on.
  void step_aside(Done done);
  /// The upgrade has failed: all is as before.
  void step_back();
  /// Another process accepts. Its clients are served on (Proxy::leave), and those who wait at `unclaimed` listeners are
  /// accepted, because nobody else will.
  void leave(std::vector<std::size_t> unclaimed);
  /// The other process has decided; or has gone, and we decide again.
  void on_told(std::uint64_t change, const sessions::BindResult& holds);
  void decide_alone();

  const proxy::Counters& counters() const { return proxy_.counters(); }

 private:
  struct Port;
  net::Listener& add_port(net::BoundSocket socket, std::size_t listen);
  void take(Reload change);
  void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) override;
  void on_backend_success(conf::BackendId backend) override;
  void on_moved(const sessions::Key& key, const sessions::Move& move) override { moves_.note(key, move); }
  void on_request_lost(const proxy::LostRequest& lost) override { owner_.on_request_lost(lost); }
  void on_suspect_answered(const proxy::Fingerprint& fingerprint) override { owner_.on_suspect_answered(fingerprint); }
  void on_access_line(std::string_view line) override;
  void on_drained() override;
  void on_flush();
  std::unique_ptr<sessions::Store> make_store(const Common& common, std::uint64_t seed);

  const std::size_t number_;
  net::Loop loop_;
  net::TcpDialer dialer_{loop_};
  Owner& owner_;
  sessions::MoveLog& moves_;
  std::unique_ptr<AccessLog::Feed> access_log_;
  std::unique_ptr<base::Timer> flush_;
  std::unique_ptr<net::SystemResolver> resolver_;
  std::unique_ptr<redis::RedisLink> redis_;  // with store = "redis"
  bool is_redis_up_ = false;
  sessions::LocalStore* local_ = nullptr;  // store_, where it is one
  std::unique_ptr<sessions::Store> store_;
  proxy::Proxy proxy_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::thread thread_;
};

}  // namespace holdfast::server
