// What others say of a backend: the operator, and the other proxies.

#include <doctest/doctest.h>

#include "base/text.h"
#include "health/monitor.h"
#include "tests/health/monitor_fixture.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;
using base::ErrorCode;
using tests::MonitorFixture;

namespace {

OperatorOrder order(OperatorState state) {
  return {.state = state, .by = "ops", .at = base::WallTime{std::chrono::seconds{1'769'860'800}}};
}

}  // namespace

TEST_CASE("an operator's word holds at once, and says who and when") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  f.monitor->set_operator_state(f.id(0), order(OperatorState::Drain));
  f.loop.run();
  CHECK(f.state(0) == State::Draining);
  CHECK(f.state(1) == State::Up);
  CHECK(f.report(0).reason == Reason::Operator);
  CHECK(f.report(0).detail == "drain by ops at 2026-01-31T12:00:00.000Z");
  CHECK(f.take_events() == "draining app0 operator");

  f.monitor->set_operator_state(f.id(0), order(OperatorState::Maint));
  f.loop.run();
  CHECK(f.state(0) == State::Maint);
  CHECK(f.take_events() == "maint app0 operator");
  f.server(0).dies();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 50);
  f.loop.advance(10s);
  CHECK_MESSAGE(f.take_events().empty(), "what happens during maintenance is nobody's alarm");

  f.monitor->set_operator_state(f.id(0), order(OperatorState::Ready));
  f.loop.run();
  CHECK(f.take_events() == "ready app0 operator, down app0 probe_refused");
  f.server(0).accepts();
  f.loop.advance(3s);
  CHECK(f.state(0) == State::Up);
  CHECK_MESSAGE(f.views.back()->of(f.id(0)).slow_start, "it had been away");
}

TEST_CASE("a drained backend that is made ready goes on as if nothing had been") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  const auto before = f.views.back()->of(f.id(0));
  f.loop.advance(5s);
  f.monitor->set_operator_state(f.id(0), order(OperatorState::Drain));
  f.loop.advance(5s);
  f.monitor->set_operator_state(f.id(0), order(OperatorState::Ready));
  f.monitor->set_operator_state(f.id(0), order(OperatorState::Ready));
  f.loop.run();
  CHECK(f.take_events() == "draining app0 operator, ready app0 operator");
  CHECK(f.views.back()->of(f.id(0)).up_since == before.up_since);
  CHECK(!f.views.back()->of(f.id(0)).slow_start);
}

TEST_CASE("an order from before the start holds from the first good probe") {
  MonitorFixture f(1);
  f.server(0).responds_with(tests::kOkResponse);
  f.start();
  f.monitor->set_operator_state(f.id(0), order(OperatorState::Drain));
  f.loop.run();
  CHECK(f.state(0) == State::Starting);
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Draining);
  for (const auto& view : f.views) CHECK(view->of(f.id(0)).state != State::Up);
}

TEST_CASE("the quorum outvotes our probes, both ways") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  f.monitor->set_quorum(f.id(0), Quorum::Up);
  f.server(0).dies();
  f.loop.advance(3s);
  CHECK(f.monitor->own_observation(f.id(0)).probe == ProbeState::Failing);
  CHECK(f.state(0) == State::Up);
  CHECK(f.is_suspect(0));
  CHECK(f.take_events() == "suspect app0 probe_refused");
  f.monitor->set_quorum(f.id(0), Quorum::None);
  f.loop.run();
  CHECK(f.state(0) == State::Down);
  f.monitor->set_quorum(f.id(0), Quorum::Up);
  f.loop.run();
  CHECK(f.state(0) == State::Up);
  CHECK(f.is_suspect(0));
  f.take_events();

  f.monitor->set_quorum(f.id(1), Quorum::Down, "2 of 3 proxies do not reach it");
  f.loop.run();
  CHECK(f.state(1) == State::Down);
  CHECK(f.report(1).reason == Reason::Cluster);
  CHECK(f.report(1).detail == "2 of 3 proxies do not reach it");
  CHECK(f.take_events() == "down app1 cluster");
  f.monitor->set_quorum(f.id(1), Quorum::None);
  f.loop.run();
  CHECK(f.state(1) == State::Up);
  CHECK(f.take_events() == "up app1");
}

TEST_CASE("with a share of a third, a third of the probes; trouble is looked at in full") {
  MonitorFixture f(3);
  f.start_up();
  f.monitor->set_share({.index = 1, .count = 3, .epoch = f.loop.now()});
  const std::size_t before = f.server(0).heads().size();
  f.loop.advance(60s);
  const std::size_t shared = f.server(0).heads().size() - before;
  CHECK(shared >= 9);
  CHECK(shared <= 11);

  f.server(0).dies();
  f.monitor->look_now(f.id(0));
  f.loop.advance(450ms);
  CHECK_MESSAGE(f.state(0) == State::Down, "as quick as one that probes alone");
  f.server(0).accepts();
  f.monitor->look_now(f.id(0));
  f.loop.advance(250ms);
  CHECK(f.state(0) == State::Up);

  f.server(1).dies();
  f.monitor->set_quorum(f.id(1), Quorum::Up);
  f.monitor->look_now(f.id(1));
  f.loop.advance(500ms);
  const std::size_t alone = f.server(1).dials();
  f.loop.advance(60s);
  CHECK_MESSAGE(f.server(1).dials() - alone >= 29, "who disagrees looks by itself, each time");

  const std::size_t mine = f.server(2).heads().size();
  f.monitor->set_share({});
  f.loop.advance(60s);
  CHECK(f.server(2).heads().size() - mine >= 29);
}

TEST_CASE("a request to look is one probe, and not one after another") {
  MonitorFixture f(1);
  f.start_up();
  f.loop.advance(1s);
  const std::size_t before = f.server(0).heads().size();
  for (int i = 0; i < 1000; ++i) {
    f.monitor->look_now(f.id(0));
    f.loop.advance(1ms);
  }
  CHECK(f.server(0).heads().size() - before <= 22);
  f.loop.advance(100ms);
  f.observations.clear();
  f.monitor->look_now(f.id(0));
  f.loop.advance(10s);
  CHECK_MESSAGE(f.observations.size() == 1, "whoever asked is answered, though nothing has changed");
  CHECK(f.take_events() == "up app0");
}

TEST_CASE("what this proxy itself sees is told when it changes, not with each probe") {
  MonitorFixture f(1);
  f.start_up();
  const std::size_t first = std::exchange(f.observations, {}).size();
  CHECK(first == 1);
  f.loop.advance(20s);
  CHECK(f.observations.empty());
  f.server(0).dies();
  f.loop.advance(1s);
  f.loop.advance(30s);
  CHECK_MESSAGE(f.observations.size() == 2, "the first failure, and failing");
  REQUIRE(f.monitor->own_observation(f.id(0)).failing_since);
  f.server(0).accepts();
  f.loop.advance(5s);
  CHECK_MESSAGE(f.observations.size() == 4, "the first good one, and passing");
  CHECK(!f.monitor->own_observation(f.id(0)).failing_since);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 1);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 2);
  CHECK_MESSAGE(f.observations.size() == 5, "a request that failed, once");
}

TEST_CASE("a proxy that is cut off tells its workers") {
  MonitorFixture f(1);
  f.start_up();
  CHECK(!f.views.back()->is_isolated);
  f.monitor->set_isolation(Isolation::CutOff);
  f.loop.run();
  CHECK(f.views.back()->is_isolated);
  const std::size_t views = f.views.size();
  f.monitor->set_isolation(Isolation::CutOff);
  f.loop.run();
  CHECK(f.views.size() == views);
  f.monitor->set_isolation(Isolation::None);
  f.loop.run();
  CHECK(!f.views.back()->is_isolated);
}
