#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/reload.h"
#include "proxy/proxy.h"
#include "sessions/local_store.h"
#include "sessions/memory_store.h"
#include "tests/support/fake_net.h"

namespace holdfast::tests {

/// For reloads.
inline conf::Backend backend_called(const char* name, std::uint16_t port) {
  conf::Backend out;
  out.name = name;
  out.address = {"127.0.0.1", port};
  return out;
}

/// The data path of one worker on a loop and a network without a kernel: the test plays clients and backends. Backend
/// number i ("a", "b", ...) listens on port 9000 + i and is UP; round robin, so that it is known who is asked.
class ProxyFixture final : private proxy::ProxyListener {
 public:
  struct Options {
    std::size_t backends = 2;
    conf::StickyMode sticky = conf::StickyMode::None;
    conf::FailoverMode failover = conf::FailoverMode::Move;
    std::uint32_t max_requests = 0;
    std::uint64_t max_sessions = 0;       ///< Of the pool.
    std::uint64_t max_sessions_each = 0;  ///< Of each backend.
    std::uint32_t attempts = 3;
    std::uint32_t connections = 1000;
    std::uint64_t body_max = 1u << 20;
    base::Duration grace{};           ///< Of what waits on a hung backend.
    std::uint32_t budget = 20;        ///< Of retries: percent, and a second.
    std::uint32_t crashes_alone = 0;  ///< As in [pools.NAME.poison].
    std::uint32_t crashes = 0;
    sessions::Store* map = nullptr;  ///< Outlives the fixture; nullptr: one in memory.
  };

  explicit ProxyFixture(const Options& options) : settings_(make_settings(options)) {
    if (options.map != nullptr) map_ = options.map;
    start();
  }
  ~ProxyFixture() override { loop.run(); }

  FakeServer& backend(char name) { return net.at(static_cast<std::uint16_t>(9000 + name - 'a')); }
  std::uint32_t in_flight(char name) const { return loads_[static_cast<std::size_t>(name - 'a')].in_flight; }
  void set_state(char name, health::State state) {
    view_.backends[static_cast<std::size_t>(name - 'a')].state = state;
    ++view_.version;
    proxy_->set_view(std::make_shared<const health::View>(view_));
    loop.run();
  }
  /// Other settings for this proxy, in force at once; backends that are new are UP. Every listener stays.
  void reload(const std::function<void(conf::Settings&)>& change) {
    auto fresh = std::make_shared<conf::Settings>(*settings_);
    fresh->pool_at.clear();
    fresh->backend_at.clear();
    for (conf::Pool& pool : fresh->pools) pool.first_backend = {};
    change(*fresh);
    fresh->pools[0].backend_count = static_cast<std::uint32_t>(fresh->backends.size());
    for (std::uint32_t i = 0; i < fresh->backends.size(); ++i) fresh->backends[i].id = conf::BackendId{i};
    numbering_.apply(*fresh);
    settings_ = fresh;
    loads_.grow(fresh->backend_ids());
    concurrency_.configure(*fresh);
    for (std::size_t i = view_.backends.size(); i < fresh->backend_ids(); ++i) {
      view_.backends.push_back({.state = health::State::Up});
    }
    const std::array<std::optional<std::size_t>, 1> listens{0};
    proxy_->set_snapshot(std::make_shared<const proxy::Snapshot>(settings_, addresses(), keyring_),
                         std::make_shared<const health::View>(view_), listens);
    loop.run();
  }
  /// Those in force.
  std::shared_ptr<const conf::Settings> settings() const { return settings_; }
  /// Its probes have timed out too often.
  void hangs(char name) {
    view_.backends[static_cast<std::size_t>(name - 'a')].silent = true;
    set_state(name, health::State::Down);
  }
  /// Its drain has come to its end.
  void ends_long(char name) {
    view_.backends[static_cast<std::size_t>(name - 'a')].ends_long = true;
    set_state(name, health::State::Draining);
  }
  /// A client that has connected.
  FakePeer client() {
    auto [stream, peer] = fake_connection(loop);
    proxy_->accept(std::move(stream), 0);
    return peer;
  }
  /// A client that has connected and sent `bytes`.
  FakePeer client(std::string_view bytes) {
    FakePeer peer = client();
    peer.sends(bytes);
    loop.run();
    return peer;
  }
  proxy::Proxy& proxy() { return *proxy_; }
  std::size_t clients() const { return connections_; }
  bool is_drained() const { return drained_; }
  std::uint64_t sessions() const { return memory_.size(); }

  FakeLoop loop;
  FakeDialer net{loop};
  std::vector<sessions::Move> moves;
  std::vector<base::ErrorCode> failures;  ///< Told to the monitor.
  std::vector<proxy::LostRequest> lost;   ///< Told to the guard.
  std::vector<proxy::Fingerprint> cleared;

 private:
  static std::shared_ptr<const conf::Settings> make_settings(const Options& options) {
    auto settings = std::make_shared<conf::Settings>();
    settings->listens.push_back({.address = {"127.0.0.1", 8080}, .trusted_proxies = {}});
    settings->limits.connections = options.connections;
    settings->limits.request_body_bytes = options.body_max;
    conf::Pool pool;
    pool.name = "shop";
    pool.balance = conf::BalanceMethod::Failover;  // the first that may serve: no chance in it
    pool.sticky.mode = options.sticky;
    pool.sticky.names = {"sid"};
    pool.sticky.failover = options.failover;
    pool.max_sessions = options.max_sessions;
    pool.retry.attempts = options.attempts;
    pool.retry.budget_percent = pool.retry.budget_min = options.budget;
    pool.hung.grace = options.grace;
    pool.quarantine.crashes_alone = options.crashes_alone;
    pool.quarantine.crashes = options.crashes;
    pool.backend_count = static_cast<std::uint32_t>(options.backends);
    settings->pools.push_back(pool);
    for (std::size_t i = 0; i < options.backends; ++i) {
      conf::Backend backend;
      backend.id = conf::BackendId{static_cast<std::uint32_t>(i)};
      backend.name = std::string(1, static_cast<char>('a' + i));
      backend.address = {"127.0.0.1", static_cast<std::uint16_t>(9000 + i)};
      backend.max_requests = options.max_requests;
      backend.max_sessions = options.max_sessions_each;
      settings->backends.push_back(backend);
    }
    settings->routes.push_back({});
    return settings;
  }

  /// By BackendId.
  std::vector<net::Address> addresses() const {
    std::vector<net::Address> out(settings_->backend_ids());
    for (const conf::Backend& backend : settings_->backends) {
      out[conf::index(backend.id)] = fake_address(backend.address.port);
    }
    return out;
  }

  void start() {
    view_.backends.resize(settings_->backends.size());
    for (health::Verdict& verdict : view_.backends) verdict.state = health::State::Up;
    proxy_ = std::make_unique<proxy::Proxy>(
        loop, net, proxy::Shared{*map_, keyring_, loads_, concurrency_, *safe_kinds_, connections_},
        static_cast<proxy::ProxyListener&>(*this),
        std::make_shared<const proxy::Snapshot>(settings_, addresses(), keyring_),
        std::make_shared<const health::View>(view_), 1);
  }

  void on_backend_failure(conf::BackendId, base::ErrorCode error, std::uint32_t) override { failures.push_back(error); }
  void on_backend_success(conf::BackendId) override {}
  void on_moved(const sessions::Key&, const sessions::Move& move) override { moves.push_back(move); }
  void on_request_lost(const proxy::LostRequest& request) override { lost.push_back(request); }
  void on_suspect_answered(const proxy::Fingerprint& fingerprint) override { cleared.push_back(fingerprint); }
  void on_access_line(std::string_view) override {}
  void on_drained() override { drained_ = true; }

  std::shared_ptr<const conf::Settings> settings_;
  conf::Numbering numbering_{*settings_};
  sessions::Keyring keyring_{"a secret of tests, long enough"};
  sessions::MemoryStore memory_{{.start = loop.now()}};
  sessions::SessionSlots slots_{memory_};
  sessions::LocalStore local_{memory_, slots_};
  sessions::Store* map_ = &local_;
  proxy::Loads loads_{settings_->backends.size()};
  proxy::ConcurrencyLimits concurrency_{*settings_};
  std::unique_ptr<proxy::SafeKinds> safe_kinds_ = std::make_unique<proxy::SafeKinds>();
  std::atomic<std::uint32_t> connections_{0};
  health::View view_;
  bool drained_ = false;
  std::unique_ptr<proxy::Proxy> proxy_;
};

}  // namespace holdfast::tests
