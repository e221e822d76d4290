#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/endpoints.h"
#include "tests/admin/sample_view.h"
#include "tests/support/fake_loop.h"
#include "tests/web/web_client.h"

namespace holdfast::admin {

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

/// One roll at a time.
class FakeRolls final : public RollService {
 public:
  void take_roll(const RollAsk& ask, Done done) override {
    if (trouble) return done(*trouble);
    if (holder.id.empty() || holder.id == ask.id) holder = ask;
    holder.since = wall(1'769'860'800);
    done(holder);
  }
  void end_roll(const std::string& pool, const std::string& id) override { ended.push_back(pool + " " + id); }
  base::Duration roll_lease() const override { return std::chrono::seconds{30}; }

  RollAsk holder;
  std::optional<base::Error> trouble;
  std::vector<std::string> ended;
};

/// All that the routes ask, on a loop of the test's own. Fixtures derive from it.
struct FakeServices {
  /// Without accounts whoever is on this machine is an operator.
  explicit FakeServices(Access::Accounts accounts = {}, Access::Check check = {}, Live::Limits live_limits = {})
      : access(loop, std::move(accounts), std::move(check)), live(loop, source, timeline, live_limits) {}
  Services all() {
    return {.access = access,
            .source = source,
            .operators = operators,
            .sessions = sessions,
            .rolls = rolls,
            .reloads = reloads,
            .quarantine = quarantine,
            .live = live,
            .timeline = timeline,
            .history = history};
  }

  tests::FakeLoop loop;
  FakeStatusSource source;
  FakeOperators operators;
  FakeSessions sessions;
  FakeRolls rolls;
  FakeReloads reloads;
  FakeQuarantine quarantine;
  Access access;
  Timeline timeline{"run"};
  History history;
  Live live;
};

}  // namespace holdfast::admin
