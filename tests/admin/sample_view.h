#pragma once

#include "admin/operator_api.h"
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
  backend.answers = {0, 0, 97, 1, 2, 0};
  backend.failures = {{"refused", 0}, {"reset", 3}};
  backend.last_probe = ProbeView{
      .at = wall(1'769'860'900), .took = std::chrono::microseconds{1500}, .passed = true, .status = 200, .text = "200"};
  backend.probes_passed_total = 50;
  backend.probes_failed_total = 2;
  backend.probe_time_total = std::chrono::milliseconds{260};
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

/// A source a test can change.
class FakeSource final : public Source {
 public:
  StatusView view = sample_view();
  StatusView status() const override { return view; }
  Readiness readiness() const override { return view.readiness; }
  ClusterView cluster() const override { return view.cluster; }
};

/// An operator's desk that takes notes.
class FakeDesk final : public OperatorDesk {
 public:
  std::vector<OperatorAsk> asks;
  base::Result<void> answer;
  base::Result<void> obey(const OperatorAsk& ask) override {
    asks.push_back(ask);
    return answer;
  }
};

}  // namespace holdfast::admin
