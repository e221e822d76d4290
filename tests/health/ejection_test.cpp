#include <doctest/doctest.h>

#include "health/monitor.h"
#include "tests/health/monitor_fixture.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;
using base::ErrorCode;
using tests::MonitorFixture;

TEST_CASE("an app that answers probes and resets requests stays out for the ejection's time") {
  MonitorFixture f(3);
  f.start_up();
  f.take_events();
  for (std::uint32_t i = 1; i <= 4; ++i) {
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, i);
    f.loop.advance(1ms);
  }
  CHECK(f.state(0) == State::Up);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 5);
  f.loop.run();
  CHECK(f.state(0) == State::Down);
  CHECK(f.take_events().ends_with("ejected app0 ejected"));
  CHECK(f.report(0).reason == Reason::Ejected);
  CHECK(f.report(0).detail == "5 requests in a row failed, the last one: reset");
  CHECK(f.report(0).ejected_until.has_value());

  f.loop.advance(9900ms);
  CHECK(f.state(0) == State::Down);
  CHECK_MESSAGE(f.report(0).passed_in_a_row > 2, "the probes are fine all the time");
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Up);
  CHECK(f.views.back()->of(f.id(0)).slow_start);
  CHECK(f.take_events() == "up app0");
  CHECK(f.report(0).ejections_total == 1);
}

TEST_CASE("the next ejection is longer") {
  MonitorFixture f(3);
  f.start_up();
  for (const auto length : {10s, 20s, 30s}) {
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Timeout, 5);
    REQUIRE(f.events.back().kind == Event::Kind::Ejected);
    CHECK(f.events.back().length == length);
    f.loop.advance(length - 1ms);
    CHECK(f.state(0) == State::Down);
    f.loop.advance(1ms);
    CHECK(f.state(0) == State::Up);
  }
}

TEST_CASE("killed under load and started again: back after rise good probes, not after the ejection's time") {
  MonitorFixture f(3);
  f.start_up();
  f.take_events();
  f.server(0).dies();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 5);  // requests under way were cut: not yet "gone"
  f.loop.advance(600ms);
  CHECK(f.state(0) == State::Down);
  CHECK_MESSAGE(f.take_events() == "ejected app0 ejected, down app0 probe_refused", "the probes confirm it");
  f.server(0).accepts();
  f.loop.advance(2s + 200ms);
  CHECK(f.state(0) == State::Up);
  CHECK(!f.report(0).ejected_until);
}

TEST_CASE("refused, and back before the probes fall: rise probes at the fast interval") {
  MonitorFixture f(3);
  f.start_up();
  f.loop.advance(1s);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 5);
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Down);
  f.loop.advance(200ms);
  CHECK(f.state(0) == State::Up);
}

TEST_CASE("a refused request while it is out says that it is gone") {
  MonitorFixture f(3);
  f.start_up();
  f.loop.advance(1s);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 5);
  f.loop.advance(100ms);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 6);
  f.loop.advance(500ms);
  CHECK(f.state(0) == State::Up);
}

TEST_CASE("not more than the share, and never the last one") {
  SUBCASE("half of five") {
    MonitorFixture f(5);
    f.start_up();
    for (std::size_t i = 0; i < 5; ++i) f.monitor->on_passive_failure(f.id(i), ErrorCode::Reset, 5);
    f.loop.run();
    int down = 0;
    for (std::size_t i = 0; i < 5; ++i) down += f.state(i) == State::Down ? 1 : 0;
    CHECK(down == 2);
  }
  SUBCASE("the other one is down by its probes") {
    MonitorFixture f(2);
    f.start_up();
    f.server(1).dies();
    f.loop.advance(3s);
    REQUIRE(f.state(1) == State::Down);
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 50);
    f.loop.run();
    CHECK(f.state(0) == State::Up);
  }
  SUBCASE("a place becomes free when one is back") {
    MonitorFixture f(2);
    f.start_up();
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 5);
    f.loop.run();
    f.monitor->on_passive_failure(f.id(1), ErrorCode::Reset, 5);
    f.loop.run();
    CHECK(f.state(1) == State::Up);
    f.loop.advance(10s);
    REQUIRE(f.state(0) == State::Up);
    f.monitor->on_passive_failure(f.id(1), ErrorCode::Reset, 5);
    f.loop.run();
    CHECK(f.state(1) == State::Down);
  }
  SUBCASE("a backend of weight 0 is no substitute") {
    MonitorFixture f(2);
    f.backends[1].weight = 0;
    f.start_up();
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 5);
    f.loop.run();
    CHECK(f.state(0) == State::Up);
  }
}

TEST_CASE("without probes the time alone brings it back") {
  MonitorFixture f(2);
  f.pool.probe.type = conf::ProbeType::None;
  f.start();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 5);
  f.loop.run();
  CHECK(f.state(0) == State::Down);
  f.loop.advance(9999ms);
  CHECK(f.state(0) == State::Down);
  f.loop.advance(1ms);
  CHECK(f.state(0) == State::Up);
  CHECK(f.views.back()->of(f.id(0)).slow_start);
  CHECK(f.loop.timers_set() == 0);
}

TEST_CASE("passive.failures = 0: suspect and probed, never ejected") {
  MonitorFixture f(2);
  f.pool.passive.failures = 0;
  f.start_up();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 1000);
  f.loop.run();
  CHECK(f.state(0) == State::Up);
}

TEST_CASE("who is cut off from all backends ejects none of them") {
  MonitorFixture f(3);
  f.pool.passive.failures = 2;
  f.start_up();
  f.monitor->set_isolation(health::Isolation::CutOff);
  f.monitor->on_passive_failure(f.id(0), base::ErrorCode::Timeout, 5);
  f.loop.run();
  CHECK(f.report(0).ejections_total == 0);
  f.monitor->set_isolation(health::Isolation::None);
  f.monitor->on_passive_failure(f.id(0), base::ErrorCode::Timeout, 5);
  f.loop.run();
  CHECK(f.report(0).ejections_total == 1);
}
