#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "conf/reload.h"
#include "conf/settings.h"
#include "health/monitor.h"
#include "tests/support/fake_loop.h"
#include "tests/support/fake_net.h"

namespace holdfast::tests {

inline constexpr const char* kOkResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A monitor over one pool "shop" of backends "app0", "app1", ... on ports 1000, 1001, ...; probe defaults without
/// jitter: interval 2 s, fast 200 ms, timeout 1 s, rise 2, fall 3. Change `pool` and `backends`, then start().
struct MonitorFixture final : health::Monitor::Listener {
  explicit MonitorFixture(std::size_t backend_count = 2) {
    base::log_setup(base::LogLevel::Error, base::LogFormat::Text);
    pool.name = "shop";
    pool.probe.jitter_percent = 0;
    for (std::size_t i = 0; i < backend_count; ++i) {
      const auto port = static_cast<std::uint16_t>(1000 + i);
      backends.push_back({.id = conf::BackendId{static_cast<std::uint32_t>(i)},
                          .name = "app" + std::to_string(i),
                          .address = {"127.0.0.1", port}});
    }
  }

  /// Starts; nothing has been probed yet.
  void start() {
    auto settings = make_settings();
    numbering.emplace(*settings);
    monitor = std::make_unique<health::Monitor>(settings, addresses_in(*settings), loop, net, base::Random(1), *this);
    monitor->start();
  }
  /// Puts `pool` and `backends` in force as they are now. What is returned is what the monitor was given.
  std::weak_ptr<const conf::Settings> reload() {
    auto settings = make_settings();
    numbering->apply(*settings);
    monitor->reload(settings, addresses_in(*settings));
    return settings;
  }
  /// Starts with all backends answering well, and lets the first probes pass.
  void start_up() {
    for (std::size_t i = 0; i < backends.size(); ++i) server(i).responds_with(kOkResponse);
    start();
    loop.advance(std::chrono::milliseconds{100});
  }

  static conf::BackendId id(std::size_t i) { return conf::BackendId{static_cast<std::uint32_t>(i)}; }
  FakeServer& server(std::size_t i) { return net.at(static_cast<std::uint16_t>(1000 + i)); }
  health::State state(std::size_t i) const { return views.back()->of(id(i)).state; }
  bool is_suspect(std::size_t i) const { return views.back()->of(id(i)).suspect; }
  health::Report report(std::size_t i) const { return monitor->report(id(i)); }
  /// "up app0, down app1 probe_refused": all events since the last call.
  std::string take_events() {
    std::string out;
    for (const health::Event& event : std::exchange(events, {})) {
      if (!out.empty()) out += ", ";
      out += std::string(health::name_of(event.kind)).substr(8) + " " + backends[conf::index(event.backend)].name;
      if (event.reason != health::Reason::None) out += " " + std::string(health::name_of(event.reason));
    }
    return out;
  }

  void on_view(std::shared_ptr<const health::View> view) override { views.push_back(std::move(view)); }
  void on_event(const health::Event& event) override { events.push_back(event); }
  void on_pool_event(const health::PoolEvent& event) override { pool_events.push_back(event); }
  void on_observation(conf::BackendId backend) override { observations.push_back(backend); }

  FakeLoop loop;
  FakeDialer net{loop};
  conf::Pool pool;
  std::optional<conf::Numbering> numbering;
  std::vector<conf::Backend> backends;
  std::vector<std::shared_ptr<const health::View>> views;
  std::vector<health::Event> events;
  std::vector<health::PoolEvent> pool_events;
  std::vector<conf::BackendId> observations;
  std::unique_ptr<health::Monitor> monitor;

 private:
  /// Each backend at its own number, as a file gives them.
  std::shared_ptr<conf::Settings> make_settings() {
    auto settings = std::make_shared<conf::Settings>();
    pool.backend_count = static_cast<std::uint32_t>(backends.size());
    settings->pools = {pool};
    settings->backends = backends;
    for (std::uint32_t i = 0; i < backends.size(); ++i) settings->backends[i].id = conf::BackendId{i};
    return settings;
  }
  /// By BackendId.
  static std::vector<net::Address> addresses_in(const conf::Settings& settings) {
    std::vector<net::Address> addresses(settings.backend_ids());
    for (const conf::Backend& backend : settings.backends) {
      addresses[conf::index(backend.id)] = fake_address(backend.address.port);
    }
    return addresses;
  }
};

}  // namespace holdfast::tests
