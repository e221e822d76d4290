#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "admin/endpoints.h"
#include "admin/operator_api.h"
#include "admin/session_api.h"
#include "admin/view.h"
#include "tests/web/web_client.h"

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
class FakeStatusSource final : public StatusSource {
 public:
  StatusView view = sample_view();
  StatusView status() const override { return view; }
  StatusView states() const override { return view; }
  BackendView backend(std::size_t pool, std::size_t backend) const override {
    return view.pools.at(pool).backends.at(backend);
  }
  Readiness readiness() const override { return view.readiness; }
  ClusterView cluster() const override { return view.cluster; }
  std::string configuration() const override { return "# redacted\n"; }
};

/// Operators whose orders are noted, and done at once unless the test keeps them waiting.
class FakeOperators final : public OperatorService {
 public:
  std::vector<OperatorAsk> asks;
  base::Result<void> response;
  std::optional<std::vector<Done>> waiting;
  void obey(const OperatorAsk& ask, Done done) override {
    asks.push_back(ask);
    if (waiting) return waiting->push_back(std::move(done));
    done(response);
  }
};

/// Sessions that nobody has.
class FakeSessions final : public SessionService, private sessions::Registry {
 public:
  sessions::Registry& registry() override { return *this; }
  sessions::MoveLog& moves() override { return log; }
  void count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) override {
    moved[from] += std::to_string(sessions) + " " + std::string(reason) + " ";
  }
  sessions::BackendTag tag_of(std::string_view, std::string_view backend) const override {
    return sessions::BackendTag{std::hash<std::string_view>{}(backend) | 1};
  }

  sessions::MoveLog log;
  std::vector<sessions::Listed> known;
  std::vector<std::string> orders;
  std::map<sessions::BackendTag, std::string> moved;
  std::optional<base::Error> trouble;
  sessions::Acked acked = sessions::Acked::ByAll;

 private:
  void list(const std::string& pool, const std::vector<sessions::BackendTag>&, std::size_t limit,
            Done<std::vector<sessions::Listed>> done) override {
    orders.push_back("list " + pool + " " + std::to_string(limit));
    if (trouble) return done(*trouble);
    done(known);
  }
  void find(const std::string& pool, const sessions::Key& key, Done<std::optional<sessions::Listed>> done) override {
    if (trouble) return done(*trouble);
    for (const auto& session : known) {
      if (session.key == key) return done(std::optional(session));
    }
    orders.push_back("missed in " + pool);
    done(std::optional<sessions::Listed>());
  }
  void move(const std::string& pool, const sessions::Key&, sessions::BackendTag, Done<sessions::Effect> done) override {
    orders.push_back("move in " + pool);
    done(sessions::Effect{.sessions = 1, .acked = acked});
  }
  void end(const std::string& pool, const sessions::Key&, Done<sessions::Effect> done) override {
    orders.push_back("end in " + pool);
    done(sessions::Effect{.sessions = 1, .acked = acked});
  }
  void clear(const std::string& pool, sessions::BackendTag, const std::vector<sessions::BackendTag>& to,
             Done<sessions::Effect> done) override {
    orders.push_back("clear in " + pool + " to " + std::to_string(to.size()));
    done(sessions::Effect{.sessions = 7, .acked = acked});
  }
};

/// A reload that does what the test says.
class FakeReloads final : public ReloadService {
 public:
  std::vector<ReloadWish> wishes;
  base::Result<ReloadReport> response{ReloadReport{}};
  void reload(ReloadWish wish, Done done) override {
    wishes.push_back(wish);
    done(response);
  }
};

/// A quarantine with what the test puts in.
class FakeQuarantine final : public QuarantineService {
 public:
  std::vector<QuarantinedRequest> known;
  std::vector<QuarantinedRequest> quarantined() const override { return known; }
  bool release(std::string_view id, std::string_view by) override {
    released_by = by;
    return std::erase_if(known, [&](const QuarantinedRequest& each) { return each.id == id; }) > 0;
  }
  std::string released_by;
};

/// What a router needs besides, on a loop of the test's own.
struct FakeRest {
  FakeRest(base::Scheduler& scheduler, const StatusSource& source)
      : access(scheduler, {}, {}), live(scheduler, source, timeline) {}
  Services services(const StatusSource& source, OperatorService& operators, SessionService& sessions) {
    return {.access = access,
            .source = source,
            .operators = operators,
            .sessions = sessions,
            .reloads = reloads,
            .quarantine = quarantine,
            .live = live,
            .timeline = timeline,
            .history = history};
  }
  Access access;
  FakeReloads reloads;
  FakeQuarantine quarantine;
  Timeline timeline{"run"};
  History history;
  Live live;
};

}  // namespace holdfast::admin
