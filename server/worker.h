#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "net/listener.h"
#include "net/loop.h"
#include "net/redis_link.h"
#include "net/resolver.h"
#include "net/tcp_dialer.h"
#include "proxy/proxy.h"
#include "server/access_log.h"
#include "sessions/hearing.h"
#include "sessions/memory_store.h"
#include "sessions/store.h"

namespace holdfast::server {

/// One loop on one thread: listeners, and the data path behind them. Built and destroyed by the Server's thread, while
/// its own is not running; between start() and join() everything comes through its loop.
class Worker final : private proxy::Reports {
 public:
  /// What it tells the control loop. Called on the worker's thread.
  struct Calls {
    /// `threshold` failures in a row are what the backend's pool ejects for.
    std::function<void(conf::BackendId, base::ErrorCode, std::uint32_t in_a_row, std::uint32_t threshold)>
        on_backend_failure;
    std::function<void(conf::BackendId)> on_backend_success;
    std::function<void()> on_drained;
    /// The worker's link to Redis has become Ok, or is no longer.
    std::function<void(const net::RedisState&)> on_redis;
  };

  /// What the workers have in common; outlives them.
  struct Common {
    const conf::Settings& settings;
    sessions::MemoryStore& memory;
    sessions::Hearing& hearing;
    const sessions::Keyring& keyring;
    proxy::Loads& loads;
    proxy::Gates& gates;
    sessions::MoveLog& moves;
    std::atomic<std::uint32_t>& connections;
    std::uint32_t workers = 1;
    std::uint32_t connections_max = 0;
    AccessLog* access_log = nullptr;  ///< nullptr: off.
  };

  Worker(const Common& common, std::shared_ptr<const proxy::Snapshot> snapshot,
         std::shared_ptr<const health::View> view, std::uint64_t seed, Calls calls);
  ~Worker() override;

  /// Takes listener number `listen`, paused. Before start().
  void listen(net::BoundSocket socket, std::size_t listen);
  void start();
  void join();

  // Any thread; carried out on the worker's.
  void open();
  void set_view(std::shared_ptr<const health::View> view);
  /// What a reload changes for a worker.
  struct Change {
    std::shared_ptr<const proxy::Snapshot> snapshot;
    std::shared_ptr<const health::View> view;
    std::vector<std::optional<std::size_t>> listens;  ///< For each old listener its new number, if it stays.
    std::vector<std::pair<std::size_t, net::BoundSocket>> opened;  ///< New ones by their number.
  };
  void reload(Change change);
  void drain();
  void abort();
  void stop();

  const proxy::Counters& counters() const { return proxy_.counters(); }

 private:
  struct Port;
  void add_port(net::BoundSocket socket, std::size_t listen);
  void take(Change change);
  void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) override;
  void on_backend_success(conf::BackendId backend) override;
  void on_moved(const sessions::Key& key, const sessions::Move& move) override { moves_.note(key, move); }
  void on_access_line(std::string_view line) override;
  void on_drained() override;
  void on_flush();
  std::unique_ptr<sessions::Store> make_store(const Common& common, std::uint64_t seed);

  net::Loop loop_;
  net::TcpDialer dialer_{loop_};
  Calls calls_;
  sessions::MoveLog& moves_;
  std::unique_ptr<AccessLog::Feed> access_log_;
  std::unique_ptr<base::Timer> flush_;
  std::unique_ptr<net::SystemResolver> resolver_;
  std::unique_ptr<net::RedisLink> redis_;  // with store = "redis"
  bool is_redis_up_ = false;
  std::unique_ptr<sessions::Store> store_;
  proxy::Proxy proxy_;
  std::map<std::size_t, std::unique_ptr<Port>> ports_;  // by their number in the settings
  std::thread thread_;
};

}  // namespace holdfast::server
