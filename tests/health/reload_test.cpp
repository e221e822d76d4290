// Monitor::reload(): what a new configuration does to what is known of the backends.
#include <doctest/doctest.h>

#include "tests/health/monitor_fixture.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using health::State;

TEST_CASE("a backend that a reload does not touch is watched on as if nothing had been") {
  MonitorFixture f(2);
  f.start_up();
  f.server(1).dies();
  f.loop.advance(5s);
  REQUIRE(f.state(1) == State::Down);
  f.loop.advance(1s);
  const health::Report up = f.report(0);
  const health::Report down = f.report(1);
  const std::size_t dials = f.server(0).dials();
  f.take_events();
  f.backends[0].weight = 7;
  f.reload();
  f.loop.run();
  CHECK(f.take_events().empty());
  CHECK(f.state(0) == State::Up);
  CHECK(f.state(1) == State::Down);
  CHECK(f.report(0).since == up.since);
  CHECK(f.report(0).passed_total == up.passed_total);
  CHECK(f.report(1).since == down.since);
  CHECK(f.report(1).reason == down.reason);
  f.loop.advance(2s);
  CHECK(f.report(0).passed_total == up.passed_total + 1);
  CHECK(f.server(0).dials() == dials);  // on the connection it had
}

TEST_CASE("other probes of the same backend: its state and all that was counted stay") {
  MonitorFixture f(2);
  f.pool.passive.failures = 2;
  f.start_up();
  f.monitor->on_passive_failure(f.id(1), base::ErrorCode::Reset, 2);
  f.loop.run();
  REQUIRE(f.state(1) == State::Down);
  f.server(0).dies();
  f.loop.advance(5s);
  REQUIRE(f.state(0) == State::Down);
  const health::Report before = f.report(0);
  const health::Report ejected = f.report(1);
  const auto failing_since = f.monitor->own_observation(f.id(0)).failing_since;
  REQUIRE(failing_since.has_value());
  f.take_events();

  f.pool.probe.interval = 1s;
  f.pool.probe.path = "/other";
  f.reload();
  CHECK(f.take_events().empty());
  CHECK(f.state(0) == State::Down);
  CHECK(f.state(1) == State::Down);
  CHECK(f.report(0).since == before.since);
  CHECK(f.report(0).failed_total == before.failed_total);
  CHECK(f.report(0).took_total == before.took_total);
  CHECK(f.monitor->own_observation(f.id(0)).failing_since == failing_since);
  CHECK(f.report(1).ejections_total == 1);
  CHECK(ejected.ejected_until.has_value());
  CHECK(f.report(1).ejected_until.has_value());

  f.server(0).accepts();
  f.server(0).responds_with(kOkResponse);
  f.loop.advance(2s);
  CHECK(f.state(0) == State::Up);
  CHECK(f.server(0).heads().back().starts_with("GET /other "));
  CHECK(f.report(0).passed_total > before.passed_total);
}

TEST_CASE("probes switched on and off") {
  MonitorFixture f(1);
  f.pool.probe.type = conf::ProbeType::None;
  f.start();
  REQUIRE(f.state(0) == State::Up);
  f.server(0).responds_with(kOkResponse);
  f.pool.probe.type = conf::ProbeType::Http;
  f.reload();
  CHECK(f.state(0) == State::Up);
  f.loop.advance(100ms);
  CHECK(f.report(0).passed_total == 1);

  f.server(0).dies();
  f.loop.advance(5s);
  REQUIRE(f.state(0) == State::Down);
  const std::uint64_t failed = f.report(0).failed_total;
  f.pool.probe.type = conf::ProbeType::None;
  f.reload();
  CHECK(f.state(0) == State::Up);  // nobody looks any more
  f.loop.advance(1min);
  CHECK(f.report(0).failed_total == failed);
}

TEST_CASE("a backend that is somewhere else now starts anew; one that comes back, too") {
  MonitorFixture f(2);
  f.start_up();
  f.server(5).hangs();
  f.backends[1].address.port = 1005;
  f.reload();
  CHECK(f.state(0) == State::Up);
  CHECK(f.state(1) == State::Starting);
  f.server(5).accepts();
  f.server(5).responds_with(kOkResponse);
  f.loop.advance(2s);
  CHECK(f.state(1) == State::Up);

  const conf::Backend gone = f.backends[1];
  f.backends.pop_back();
  f.reload();
  CHECK(f.state(0) == State::Up);
  CHECK(f.state(1) == State::Draining);  // whom it serves it keeps, and gets nobody else
  const std::size_t asked = f.server(5).heads().size();
  f.loop.advance(1min);
  CHECK(f.server(5).heads().size() == asked);
  f.monitor->on_passive_failure(f.id(1), base::ErrorCode::Refused, 9);  // a request that was under way
  f.monitor->on_passive_success(f.id(1));

  f.backends.push_back(gone);
  f.reload();
  CHECK(f.state(1) == State::Starting);
  f.loop.advance(100ms);
  CHECK(f.state(1) == State::Up);
}

TEST_CASE("no old configuration is kept, however long a backend is watched") {
  MonitorFixture f(2);
  f.start_up();
  const auto first = f.reload();
  f.pool.probe.interval = 3s;
  const auto second = f.reload();
  CHECK(first.expired());
  f.backends[0].weight = 3;
  const auto third = f.reload();
  CHECK(second.expired());
  CHECK_FALSE(third.expired());
  f.loop.advance(10s);
  CHECK(f.state(0) == State::Up);
}

TEST_CASE("a reload while probes are under way") {
  MonitorFixture f(2);
  f.server(0).stays_silent();
  f.server(1).hangs();
  f.start();
  f.loop.advance(200ms);
  f.pool.probe.timeout = 300ms;
  f.reload();
  f.loop.advance(5s);
  CHECK(f.state(0) == State::Down);
  CHECK(f.state(1) == State::Down);
  f.server(0).responds_with(kOkResponse);
  f.backends.pop_back();  // app1, whose dial hangs
  f.reload();
  f.loop.run();
  CHECK(f.net.dials_under_way() <= 1);
  f.loop.advance(5s);
  CHECK(f.net.dials_under_way() == 0);
  CHECK(f.state(0) == State::Up);
}
