// What apps say of themselves, through the monitor: sick, starting, all sick, asked wrongly.

#include <doctest/doctest.h>

#include "base/text.h"
#include "tests/health/monitor_fixture.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;
using tests::FakePeer;
using tests::kOkResponse;
using tests::MonitorFixture;

namespace {

/// A Mendix runtime's admin port, as far as a probe can see.
struct AdminPort {
  std::string status = R"({"result":0,"feedback":{"status":"running"}})";
  std::string health = R"({"result":0,"feedback":{"health":"healthy"}})";
  int health_checks = 0;
  int requests = 0;

  void reports(std::string_view word) { status = R"({"result":0,"feedback":{"status":")" + std::string(word) + "\"}}"; }
  void feels(std::string_view word) { health = R"({"result":0,"feedback":{"health":")" + std::string(word) + "\"}}"; }

  void respond(FakePeer peer) {
    const std::size_t end = peer.received().find(R"("params":{}})");
    if (end == std::string::npos) return;
    const std::string request = peer.take();
    const bool asks_health = request.find("check_health") != std::string::npos;
    ++requests;
    health_checks += asks_health ? 1 : 0;
    const std::string& body = asks_health ? health : status;
    peer.sends("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
};

struct Mendix {
  explicit Mendix(std::size_t count = 2) : f(count), ports(count) {
    f.pool.probe.type = conf::ProbeType::M2ee;
    f.pool.probe.password = "secret";
    f.pool.probe.start_timeout = 60s;
    for (std::size_t i = 0; i < count; ++i) f.server(i).on_bytes([this, i](const FakePeer& p) { ports[i].respond(p); });
  }
  void start_up() {
    f.start();
    f.loop.advance(100ms);
  }
  std::string pool_events() {
    std::string out;
    for (const PoolEvent& event : std::exchange(f.pool_events, {})) {
      out += (out.empty() ? "" : ", ") + std::string(name_of(event.kind)) + (event.is_on_purpose ? " on purpose" : "");
    }
    return out;
  }

  MonitorFixture f;
  std::vector<AdminPort> ports;
};

}  // namespace

TEST_CASE("a runtime that runs and is healthy is UP; its health is asked each 5th time, on one connection") {
  Mendix m(1);
  m.start_up();
  CHECK(m.f.state(0) == State::Up);
  CHECK(m.ports[0].health_checks == 1);
  m.f.loop.advance(8s);  // four more
  CHECK(m.ports[0].requests == 6);
  CHECK(m.ports[0].health_checks == 1);
  m.f.loop.advance(2s);
  CHECK(m.ports[0].health_checks == 2);
  CHECK(m.f.server(0).dials() == 1);
  CHECK(m.f.report(0).last_detail == "check_health: healthy");
  CHECK(m.f.take_events() == "up app0");
}

TEST_CASE("sick: no new sessions, after `fall` looks; well again after `rise`") {
  Mendix m;
  m.start_up();
  m.f.take_events();
  m.ports[0].feels("sick");
  m.f.loop.advance(10s);
  m.f.loop.advance(300ms);
  CHECK_MESSAGE(m.f.is_suspect(0), "one sick look is a reason to look again, at once");
  CHECK(m.f.state(0) == State::Up);
  m.f.loop.advance(200ms);
  CHECK(m.f.state(0) == State::Sick);
  CHECK(m.f.report(0).reason == Reason::AppSick);
  CHECK(m.f.report(0).detail == "check_health: sick");
  CHECK(m.f.state(1) == State::Up);
  CHECK(m.f.take_events() == "suspect app0 app_sick, sick app0 app_sick");
  CHECK(m.pool_events().empty());
  m.f.loop.advance(1min);
  CHECK_MESSAGE(m.f.take_events().empty(), "told once");
  m.ports[0].feels("unknown");
  m.f.loop.advance(3s);
  CHECK(m.f.state(0) == State::Up);
  CHECK_MESSAGE(!m.f.views.back()->of(m.f.id(0)).slow_start, "it has not been down");
  CHECK(m.f.take_events() == "up app0");
}

TEST_CASE("sick from the start: it answers, which is known at the first probe") {
  Mendix m;
  m.ports[0].feels("sick");
  m.start_up();
  CHECK(m.f.state(0) == State::Sick);
  CHECK(m.f.state(1) == State::Up);
}

TEST_CASE("all sick: they serve all the same, with one alarm") {
  Mendix m;
  m.start_up();
  m.f.take_events();
  CHECK(m.pool_events().empty());
  CHECK(m.f.monitor->pool_state(conf::PoolId{0}) == PoolState::Serving);
  for (AdminPort& port : m.ports) port.feels("sick");
  m.f.loop.advance(20s);
  CHECK(m.f.state(0) == State::Sick);
  CHECK(m.f.state(1) == State::Sick);
  CHECK(m.f.monitor->pool_state(conf::PoolId{0}) == PoolState::FailOpen);
  CHECK(m.pool_events() == "pool_fail_open");
  m.f.loop.advance(5min);
  CHECK(m.pool_events().empty());
  m.ports[1].feels("healthy");
  m.f.loop.advance(5s);
  CHECK(m.pool_events() == "pool_serving");
}

TEST_CASE("a wrong password: the probe is at fault, not the app; and a bad result is never UP") {
  for (const char* response : {R"({"result":-4})", R"({"result":-3})"}) {
    Mendix m;
    m.ports[0].status = response;
    m.start_up();
    CHECK(m.f.state(0) == State::Sick);
    CHECK(m.f.report(0).reason == Reason::ProbeMisconfigured);
    CHECK(m.f.take_events().find("sick app0 probe_misconfigured") != std::string::npos);
    CHECK(m.f.state(1) == State::Up);

    m.ports[1].status = response;  // changed while it runs
    m.f.loop.advance(5s);
    CHECK(m.f.state(1) == State::Sick);
    CHECK_MESSAGE(m.pool_events() == "pool_fail_open", "nobody can tell, so they serve");
  }
  Mendix m(1);
  m.ports[0].status = R"({"result":1})";
  m.start_up();
  CHECK(m.f.state(0) == State::Starting);
  m.f.loop.advance(1s);
  CHECK(m.f.state(0) == State::Down);
  CHECK(m.f.report(0).reason == Reason::ProbeBadResult);
}

TEST_CASE("starting: no traffic and no alarm, until start_timeout") {
  Mendix m(1);
  m.ports[0].reports("starting");
  m.start_up();
  CHECK(m.f.state(0) == State::Starting);
  CHECK(m.f.report(0).reason == Reason::AppStarting);
  m.f.loop.advance(50s);
  CHECK(m.f.state(0) == State::Starting);
  CHECK_MESSAGE(m.f.take_events().empty(), "it takes its time");
  CHECK_MESSAGE(m.ports[0].requests < 30, "at the steady pace: it said so itself");
  CHECK(m.pool_events().empty());
  m.f.loop.advance(12s);
  CHECK(m.f.state(0) == State::Down);
  CHECK(m.f.report(0).reason == Reason::StartTimeout);
  CHECK(m.f.take_events() == "down app0 start_timeout");
  CHECK(m.pool_events() == "pool_closed");
  m.ports[0].reports("running");
  m.f.loop.advance(3s);
  CHECK(m.f.state(0) == State::Up);
  CHECK(m.f.take_events() == "up app0");
  CHECK(m.pool_events() == "pool_serving");
}

TEST_CASE("a restart: down, starting, up; the grace begins with the first word") {
  Mendix m(1);
  m.start_up();
  m.f.take_events();
  m.f.server(0).dies();
  m.f.loop.advance(2min);
  CHECK(m.f.take_events() == "suspect app0 probe_refused, down app0 probe_refused");
  m.ports[0].reports("created");
  m.f.server(0).accepts();
  m.f.loop.advance(3s);
  CHECK(m.f.state(0) == State::Starting);
  CHECK(m.f.take_events() == "starting app0 app_starting");
  m.f.loop.advance(40s);
  m.ports[0].reports("running");
  m.f.loop.advance(3s);
  CHECK(m.f.state(0) == State::Up);
  CHECK(m.f.views.back()->of(m.f.id(0)).slow_start);
  CHECK(m.f.take_events() == "up app0");
}

TEST_CASE("an app that was running and says it is not: out, and its users are to move") {
  struct Row {
    const char* word;
    State want;
    const char* events;
  };
  for (const Row& row : {Row{"stopping", State::Down, "suspect app0 app_not_running, down app0 app_not_running"},
                         Row{"broken", State::Down, "suspect app0 app_not_running, down app0 app_not_running"},
                         Row{"starting", State::Starting, "suspect app0 app_starting, starting app0 app_starting"}}) {
    INFO(row.word);
    Mendix m(1);
    m.start_up();
    m.f.take_events();
    m.ports[0].reports(row.word);
    m.f.loop.advance(3s);
    CHECK(m.f.state(0) == row.want);
    CHECK(!may_keep(m.f.state(0)));
    CHECK(m.f.take_events() == row.events);
  }
}

TEST_CASE("maintenance: whatever the probes find raises no alarm") {
  Mendix m;
  m.start_up();
  m.f.take_events();
  m.f.monitor->set_operator_state(m.f.id(0), {.state = OperatorState::Maint, .by = "ops"});
  CHECK(m.f.take_events() == "maint app0 operator");
  m.f.server(0).dies();
  m.f.loop.advance(1min);
  m.f.server(0).accepts();
  m.ports[0].status = R"({"result":-4})";
  m.f.loop.advance(1min);
  m.ports[0].reports("starting");
  m.f.loop.advance(2min);
  CHECK(m.f.state(0) == State::Maint);
  CHECK(m.f.take_events().empty());
  CHECK(m.pool_events().empty());
  m.f.monitor->set_operator_state(m.f.id(1), {.state = OperatorState::Maint, .by = "ops"});
  m.f.loop.run();
  CHECK(m.pool_events() == "pool_closed on purpose");
}

TEST_CASE("a status that means sick, for apps that have one") {
  MonitorFixture f;
  f.pool.probe.expect_sick = {{503, 503}};
  f.server(0).responds_with("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  f.server(1).responds_with(kOkResponse);
  f.start();
  f.loop.advance(100ms);
  f.take_events();
  f.server(0).responds_with("HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n");
  f.loop.advance(3s);
  CHECK(f.state(0) == State::Sick);
  CHECK(f.report(0).detail == "status 503");
  CHECK(f.take_events() == "suspect app0 app_sick, sick app0 app_sick");
}

TEST_CASE("suspicions that come and go are told now and then") {
  MonitorFixture f(1);
  f.start_up();
  f.take_events();
  for (int i = 0; i < 8; ++i) {
    f.monitor->on_passive_failure(f.id(0), base::ErrorCode::Reset, 1);
    f.loop.advance(1s);
    CHECK(!f.is_suspect(0));
  }
  CHECK(f.take_events() == "suspect app0 request_failed");
  f.loop.advance(10s);
  f.monitor->on_passive_failure(f.id(0), base::ErrorCode::Reset, 1);
  CHECK(f.take_events() == "suspect app0 request_failed");
}
