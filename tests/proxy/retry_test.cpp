#include "proxy/retry.h"

#include <doctest/doctest.h>

#include <vector>

using namespace holdfast;
using namespace holdfast::proxy;
using http::Method;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Stage = FailedAttempt::Stage;
using Connection = FailedAttempt::Connection;
using base::ErrorCode;
constexpr base::Instant kStart{std::chrono::hours{5}};

}  // namespace

TEST_CASE("what may be repeated: every method at every stage") {
  struct Row {
    Stage stage;
    bool safe, other;
  };
  const Row rows[] = {{Stage::Connecting, true, true},
                      {Stage::ConnectedNothingSent, true, true},
                      {Stage::PartlySent, true, false},
                      {Stage::SentNoResponse, true, false},
                      {Stage::ResponseBegun, false, false}};
  const Method safe[] = {Method::Get, Method::Head, Method::Options};
  const Method other[] = {Method::Post,  Method::Put,     Method::Delete, Method::Patch,
                          Method::Trace, Method::Connect, Method::Other};
  for (const Row& row : rows) {
    INFO(static_cast<int>(row.stage));
    for (const Method method : safe) {
      CHECK(may_retry({.method = method, .stage = row.stage, .attempts_max = 2}) == row.safe);
      CHECK_FALSE(may_retry({.method = method, .stage = row.stage, .body_is_replayable = false, .attempts_max = 2}));
    }
    for (const Method method : other) {
      CHECK(may_retry({.method = method, .stage = row.stage, .attempts_max = 2}) == row.other);
      CHECK_FALSE(may_retry({.method = method, .stage = row.stage, .body_is_replayable = false, .attempts_max = 2}));
    }
  }
}

TEST_CASE("attempts are counted, the first included") {
  for (const std::uint32_t max : {1u, 2u, 3u}) {
    for (std::uint32_t made = 1; made <= 4; ++made) {
      INFO(made << " of " << max);
      CHECK(may_retry({.attempts = made, .attempts_max = max}) == (made < max));
    }
  }
}

TEST_CASE("what comes next") {
  struct Row {
    const char* why;
    FailedAttempt attempt;
    Decision want;
  };
  const auto row = [](const char* why, Method method, Stage stage, Connection connection, ErrorCode error,
                      Decision want) {
    return Row{
        why, {.method = method, .stage = stage, .connection = connection, .attempts_max = 3, .error = error}, want};
  };
  std::vector<Row> rows = {
      row("refused", Method::Post, Stage::Connecting, Connection::Fresh, ErrorCode::Refused, Decision::TryElsewhere),
      row("connect timeout", Method::Post, Stage::Connecting, Connection::Fresh, ErrorCode::Timeout,
          Decision::TryElsewhere),
      row("kept, dead before a byte went", Method::Post, Stage::ConnectedNothingSent, Connection::Reused,
          ErrorCode::Closed, Decision::RedialSame),
      row("kept, dead under a GET", Method::Get, Stage::SentNoResponse, Connection::Reused, ErrorCode::Reset,
          Decision::RedialSame),
      row("kept, dead under half a GET", Method::Get, Stage::PartlySent, Connection::Reused, ErrorCode::Closed,
          Decision::RedialSame),
      row("kept, dead under a POST", Method::Post, Stage::SentNoResponse, Connection::Reused, ErrorCode::Reset,
          Decision::GiveUp),
      row("kept, dead under half a POST", Method::Post, Stage::PartlySent, Connection::Reused, ErrorCode::Closed,
          Decision::GiveUp),
      row("kept, dead in the answer", Method::Get, Stage::ResponseBegun, Connection::Reused, ErrorCode::Reset,
          Decision::GiveUp),
      row("silent until the deadline", Method::Get, Stage::SentNoResponse, Connection::Reused, ErrorCode::Timeout,
          Decision::GiveUp),
      row("this process has no descriptor left", Method::Get, Stage::Connecting, Connection::Fresh, ErrorCode::Overload,
          Decision::GiveUp),
      row("kept, judged down meanwhile", Method::Get, Stage::SentNoResponse, Connection::Reused, ErrorCode::Unavailable,
          Decision::TryElsewhere),
      row("kept, nonsense", Method::Get, Stage::SentNoResponse, Connection::Reused, ErrorCode::Malformed,
          Decision::TryElsewhere),
      row("new, closed under a GET", Method::Get, Stage::SentNoResponse, Connection::Fresh, ErrorCode::Closed,
          Decision::TryElsewhere),
      row("new, closed before a byte of a POST went", Method::Post, Stage::ConnectedNothingSent, Connection::Fresh,
          ErrorCode::Reset, Decision::TryElsewhere),
      row("new, closed under a POST", Method::Post, Stage::SentNoResponse, Connection::Fresh, ErrorCode::Closed,
          Decision::GiveUp)};
  const FailedAttempt stale{.method = Method::Get,
                            .stage = Stage::SentNoResponse,
                            .connection = Connection::Reused,
                            .attempts = 3,
                            .attempts_max = 3,
                            .error = ErrorCode::Closed};
  rows.push_back({"the last attempt on a dead kept connection is not used up by it", stale, Decision::RedialSame});
  FailedAttempt changed = stale;
  changed.has_redialled = true;
  rows.push_back({"redialled once already, attempts used up", changed, Decision::GiveUp});
  changed.attempts = 2;
  rows.push_back({"redialled once already, one attempt left", changed, Decision::TryElsewhere});
  changed = stale;
  changed.body_is_replayable = false;
  rows.push_back({"the body is gone", changed, Decision::GiveUp});
  changed = stale;
  changed.connection = Connection::Fresh;
  rows.push_back({"attempts used up", changed, Decision::GiveUp});
  changed = stale;
  changed.attempts = 1;
  changed.backend_may_serve = false;
  rows.push_back({"kept, closed as its backend was judged down", changed, Decision::TryElsewhere});
  changed.attempts = 3;
  rows.push_back({"the same, attempts used up", changed, Decision::GiveUp});
  changed = stale;
  changed.attempts = 1;
  changed.error = ErrorCode::Timeout;
  changed.is_released = true;
  rows.push_back({"released from a hung backend", changed, Decision::TryElsewhere});
  for (const Row& each : rows) {
    INFO(each.why);
    CHECK(decide(each.attempt) == each.want);
  }
}

namespace {

std::uint32_t retries_given(RetryBudget& budget, base::Instant now, int wanted) {
  std::uint32_t given = 0;
  for (int i = 0; i < wanted; ++i) given += budget.may_retry(now) ? 1u : 0u;
  return given;
}

void requests(RetryBudget& budget, base::Instant now, int count) {
  for (int i = 0; i < count; ++i) budget.on_request(now);
}

}  // namespace

TEST_CASE("the budget is a share of the recent requests and a few per second") {
  struct Row {
    const char* why;
    std::uint32_t percent, min_per_second;
    int requests;
    std::uint32_t want;
  };
  const Row rows[] = {{"the share", 20, 0, 1000, 200},       {"the share, rounded up", 20, 0, 4, 1},
                      {"no traffic, no share", 20, 0, 0, 0}, {"the few alone", 0, 10, 1000, 10},
                      {"both", 20, 10, 1000, 210},           {"neither", 0, 0, 1000, 0},
                      {"a quiet pool", 20, 10, 0, 10},       {"all", 100, 0, 50, 50}};
  for (const Row& row : rows) {
    INFO(row.why);
    RetryBudget budget({.budget_percent = row.percent, .budget_min = row.min_per_second});
    requests(budget, kStart, row.requests);
    CHECK(retries_given(budget, kStart, 2000) == row.want);
  }
}

TEST_CASE("the few come back each second, the share as requests come and go") {
  RetryBudget budget({.budget_percent = 10, .budget_min = 2});
  requests(budget, kStart, 100);
  CHECK(retries_given(budget, kStart, 100) == 12);
  CHECK(retries_given(budget, kStart + milliseconds{999}, 100) == 0);
  CHECK(retries_given(budget, kStart + seconds{1}, 100) == 2);
  requests(budget, kStart + seconds{5}, 100);
  CHECK(retries_given(budget, kStart + seconds{5}, 100) == 12);
  CHECK(retries_given(budget, kStart + seconds{9}, 100) == 2);
  requests(budget, kStart + seconds{10}, 10);  // the first second, its requests and its retries, has just left
  CHECK(retries_given(budget, kStart + seconds{10}, 100) == 3);
  CHECK(retries_given(budget, kStart + seconds{1000}, 100) == 2);
  requests(budget, kStart + seconds{1000}, 100);
  CHECK(retries_given(budget, kStart + seconds{1000}, 100) == 10);
}

TEST_CASE("requests of nine seconds ago count, those of ten do not") {
  for (const int age : {0, 1, 9, 10, 11, 25}) {
    INFO(age);
    RetryBudget budget({.budget_percent = 10, .budget_min = 0});
    requests(budget, kStart, 100);
    CHECK(retries_given(budget, kStart + seconds{age}, 100) == (age < 10 ? 10 : 0));
  }
}

TEST_CASE("an outage is not amplified: ten seconds of nothing but failures") {
  RetryBudget budget({.budget_percent = 20, .budget_min = 10});
  std::uint32_t given = 0;
  base::Instant now = kStart;
  for (int i = 0; i < 10'000; ++i, now += milliseconds{1}) {
    budget.on_request(now);
    given += retries_given(budget, now, 2);
  }
  CHECK(given > 2'000);
  CHECK(given <= 2'000 + 10 * 10);
}

TEST_CASE("time that goes back changes nothing") {
  RetryBudget budget({.budget_percent = 10, .budget_min = 1});
  requests(budget, kStart, 100);
  CHECK(retries_given(budget, kStart, 100) == 11);
  CHECK(retries_given(budget, kStart - seconds{3}, 100) == 0);
  CHECK(retries_given(budget, base::Instant{} - seconds{3}, 100) == 0);
}

TEST_CASE("workers share the few, rounded up") {
  struct Row {
    std::uint32_t workers, want;
  };
  for (const Row& row : {Row{0, 10}, Row{1, 10}, Row{3, 4}, Row{4, 3}, Row{100, 1}}) {
    INFO(row.workers);
    RetryBudget budget({.budget_percent = 0, .budget_min = 10}, row.workers);
    CHECK(retries_given(budget, kStart, 100) == row.want);
  }
}
