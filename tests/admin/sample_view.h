#pragma once

#include <string>
#include <utility>

#include "admin/view.h"

namespace holdfast::admin {

inline base::WallTime wall(std::int64_t seconds) { return base::WallTime{std::chrono::seconds{seconds}}; }

inline BackendView sample_backend(std::string name, health::State state) {
  BackendView backend;
  backend.name = std::move(name);
  backend.address = "10.0.0.11:8080";
  backend.state = state;
  backend.since = wall(1'769'860'800);  // 2026-01-31T12:00:00Z
  backend.sessions = 4;
  backend.requests_total = 100;
  backend.responses = {0, 0, 97, 1, 2, 0};
  backend.failures = {{"refused", 0}, {"reset", 3}};
  backend.probes.last = ProbeView{
      .at = wall(1'769'860'900), .took = std::chrono::microseconds{1500}, .passed = true, .status = 200, .text = "200"};
  backend.probes.passed_total = 50;
  backend.probes.failed_total = 2;
  backend.probes.took_total = std::chrono::milliseconds{260};
  return backend;
}

/// Node lb1, ready, one pool "shop" with app1..appN in state UP.
inline StatusView sample_view(std::size_t backends = 3) {
  StatusView view;
  view.node = "lb1";
  view.version = "1.2.3";
  view.readiness = {.ready = true, .reason = {}};
  view.now = wall(1'769'861'000);
  view.uptime = std::chrono::seconds{3600};
  view.workers = 2;
  PoolView pool;
  pool.name = "shop";
  pool.sessions = 12;
  pool.stickiness = {{"new", 12}, {"kept", 88}};
  for (std::size_t i = 1; i <= backends; ++i) {
    pool.backends.push_back(sample_backend("app" + std::to_string(i), health::State::Up));
  }
  view.pools.push_back(std::move(pool));
  return view;
}

/// A source that a test can change, and that counts how much it was asked for.
class FakeStatusSource final : public StatusSource {
 public:
  StatusView view = sample_view();
  mutable int statuses = 0;
  mutable int looks = 0;

  StatusView status() const override {
    ++statuses;
    return view;
  }
  /// Gives away no more than it has to.
  StatusView states() const override {
    StatusView out = view;
    for (PoolView& pool : out.pools) {
      for (BackendView& backend : pool.backends) {
        BackendView only;
        static_cast<BackendState&>(only) = static_cast<const BackendState&>(backend);
        only.name = backend.name;
        only.sessions = backend.sessions;
        backend = only;
      }
    }
    return out;
  }
  BackendView backend(std::size_t pool, std::size_t backend) const override {
    ++looks;
    return view.pools.at(pool).backends.at(backend);
  }
  Readiness readiness() const override { return view.readiness; }
  ClusterView cluster() const override { return view.cluster; }
  std::string configuration() const override { return "# redacted\n"; }
};

}  // namespace holdfast::admin
