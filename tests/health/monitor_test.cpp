#include "health/monitor.h"

#include <doctest/doctest.h>

#include "tests/health/monitor_fixture.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;
using base::ErrorCode;
using tests::kOkResponse;
using tests::MonitorFixture;

TEST_CASE("no traffic before the first good probe, which is enough") {
  MonitorFixture f;
  f.server(0).responds_with(kOkResponse);
  f.start();
  REQUIRE(f.views.size() == 1);
  CHECK(f.views[0]->version == 1);
  CHECK(f.state(0) == State::Starting);
  CHECK(f.report(0).reason == Reason::NotProbedYet);
  f.loop.advance(100ms);  // app1 accepts and stays silent
  CHECK(f.state(0) == State::Up);
  CHECK(f.state(1) == State::Starting);
  CHECK_MESSAGE(!f.views.back()->of(f.id(0)).slow_start, "at the proxy's own start everybody is fresh");
  CHECK(f.take_events() == "up app0");
  CHECK(f.report(0).reason == Reason::None);
  CHECK(f.report(0).last_detail == "status 200");
}

TEST_CASE("a backend that is dead from the start is down after `fall` quick probes") {
  MonitorFixture f(1);
  f.server(0).refuses();
  f.start();
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Starting);
  CHECK(f.report(0).reason == Reason::ProbeRefused);
  f.loop.advance(400ms);
  CHECK(f.state(0) == State::Down);
  CHECK(f.take_events() == "down app0 probe_refused");
  CHECK(f.server(0).dials() == 3);
  CHECK(f.report(0).detail == "refused");

  f.server(0).responds_with(kOkResponse);
  f.server(0).accepts();
  f.loop.advance(2s);
  CHECK_MESSAGE(f.state(0) == State::Down, "one good probe is not enough");
  f.loop.advance(200ms);
  CHECK(f.state(0) == State::Up);
  CHECK_MESSAGE(f.views.back()->of(f.id(0)).slow_start, "it had been down");
  CHECK(f.views.back()->of(f.id(0)).up_since <= f.loop.now());
  CHECK(f.views.back()->of(f.id(0)).up_since > f.loop.now() - 200ms);
}

TEST_CASE("one blip makes a backend suspect, not down") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  f.server(0).responds_with("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  f.server(0).last().on_bytes([](tests::FakePeer p) { p.resets(); });  // the kept connection: replaced, then 500
  f.loop.advance(2s);
  CHECK(f.state(0) == State::Up);
  CHECK(f.is_suspect(0));
  CHECK(!f.is_suspect(1));
  CHECK(f.take_events() == "suspect app0 probe_bad_status");
  f.server(0).responds_with(kOkResponse);
  f.loop.advance(200ms);
  CHECK(!f.is_suspect(0));
  CHECK_MESSAGE(f.take_events().empty(), "nothing has changed for an operator");
}

TEST_CASE("fall: bad responses take a backend out, and it says why") {
  struct Row {
    const char* why;
    const char* response;
    Reason want;
    const char* detail;
  };
  const Row rows[] = {{"status", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", Reason::ProbeBadStatus,
                       "status 500, expected 200-399"},
                      {"body", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"s\":\"down\"}", Reason::ProbeBadBody,
                       "the body does not contain \"ok\""},
                      {"JSON", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"s\":\"nok\"} ", Reason::ProbeBadJson,
                       "/s is \"nok\", expected \"ok\""},
                      {"garbage", "220 smtp.example.com ESMTP\r\n\r\n", Reason::ProbeMalformed, nullptr}};
  for (const Row& row : rows) {
    INFO(row.why);
    MonitorFixture f(1);
    f.pool.probe.expect_body = "ok";
    f.pool.probe.expect_json = {{"/s", "ok"}};
    f.server(0).responds_with("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{\"s\":\"ok\"}");
    f.start();
    f.loop.advance(100ms);
    REQUIRE(f.state(0) == State::Up);
    f.take_events();
    f.server(0).responds_with(row.response);
    f.loop.advance(2s + 300ms);
    CHECK(f.state(0) == State::Up);
    f.loop.advance(100ms);
    CHECK(f.state(0) == State::Down);
    CHECK(name_of(f.report(0).reason) == name_of(row.want));
    if (row.detail != nullptr) CHECK(f.report(0).detail == row.detail);
    REQUIRE(f.events.size() == 2);
    CHECK_MESSAGE(f.events[1].since == 400ms, "since the first bad probe");
    CHECK(f.report(0).failed_in_a_row == 3);
  }
}

TEST_CASE("a hung server is down after `fall` timeouts") {
  MonitorFixture f(1);
  f.start_up();
  f.take_events();
  f.server(0).stays_silent();
  f.server(0).last().on_bytes(nullptr);
  f.loop.advance(1900ms);
  CHECK_MESSAGE(!f.is_suspect(0), "the probe hangs not yet");
  f.loop.advance(1100ms);  // the first timed out; from now on one after the other
  CHECK(f.is_suspect(0));
  f.loop.advance(2s);
  CHECK(f.state(0) == State::Down);
  CHECK(f.take_events() == "suspect app0 probe_timeout, down app0 probe_timeout");
  CHECK(f.report(0).last_probe->took == 1s);
}

TEST_CASE("requests that get no response: suspect and probed at once; who answers the probe is only slow") {
  MonitorFixture f(1);
  f.start_up();
  f.take_events();
  f.loop.advance(300ms);
  const std::size_t probes = f.server(0).heads().size();
  f.observations.clear();
  f.monitor->on_silence(f.id(0), 500ms);
  CHECK(f.report(0).suspect);
  f.loop.run();
  CHECK(f.server(0).heads().size() == probes + 1);
  CHECK(!f.is_suspect(0));
  CHECK(f.take_events().empty());
  CHECK(f.observations.empty());
}

TEST_CASE("requests that get no response, and probes that get none: silent, and said to be") {
  MonitorFixture f(1);
  f.pool.probe.fall = 2;
  f.start_up();
  f.take_events();
  f.server(0).stays_silent();
  f.server(0).last().on_bytes(nullptr);
  f.loop.advance(300ms);
  f.monitor->on_silence(f.id(0), 500ms);
  f.loop.advance(1s);
  CHECK(f.take_events() == "suspect app0 silence");
  f.monitor->on_silence(f.id(0), 1s);
  f.loop.advance(1s);
  CHECK(f.take_events() == "down app0 probe_timeout");
  CHECK(f.views.back()->of(f.id(0)).silent);
  CHECK_MESSAGE(f.events.empty(), "once is enough");
  f.server(0).responds_with(kOkResponse);
  f.loop.advance(10s);
  CHECK(f.state(0) == State::Up);
  CHECK(!f.views.back()->of(f.id(0)).silent);
}

TEST_CASE("a backend that refuses is down, and not silent: what it is working on may end yet") {
  MonitorFixture f(1);
  f.start_up();
  f.server(0).refuses();
  f.server(0).last().closes();
  f.loop.advance(5s);
  CHECK(f.state(0) == State::Down);
  CHECK(!f.views.back()->of(f.id(0)).silent);
}

TEST_CASE("probes keep their connection; each 10th is fresh") {
  MonitorFixture f(1);
  f.start_up();
  f.loop.advance(9 * 2s);
  CHECK(f.server(0).heads().size() == 10);
  CHECK(f.server(0).dials() == 1);
  f.loop.advance(2s);
  CHECK(f.server(0).dials() == 2);
  f.loop.advance(9 * 2s);
  CHECK(f.server(0).dials() == 2);
  f.loop.advance(2s);
  CHECK(f.server(0).dials() == 3);
  CHECK(f.server(0).open_count() == 1);
}

TEST_CASE("after a failure a probe connects afresh") {
  MonitorFixture f(1);
  f.start_up();
  f.server(0).last().on_bytes([](tests::FakePeer p) {
    p.take();
    p.sends("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  });
  f.loop.advance(2s);
  CHECK(f.is_suspect(0));
  f.loop.advance(200ms);
  CHECK(f.server(0).dials() == 2);
  CHECK(!f.is_suspect(0));
}

TEST_CASE("a probe port of its own, and its Host") {
  MonitorFixture f(1);
  f.pool.probe.port = 9100;
  f.net.at(9100).responds_with(kOkResponse);
  f.server(0).refuses();
  f.start();
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Up);
  CHECK(f.server(0).dials() == 0);
  CHECK(f.net.at(9100).heads().at(0).find("\r\nHost: 127.0.0.1:9100\r\n") != std::string::npos);
}

TEST_CASE("TCP probes") {
  MonitorFixture f(1);
  f.pool.probe.type = conf::ProbeType::Tcp;
  f.start();
  f.loop.advance(100ms);
  CHECK(f.state(0) == State::Up);
  f.server(0).refuses();
  f.loop.advance(2s + 400ms);
  CHECK(f.state(0) == State::Down);
  CHECK(f.report(0).reason == Reason::ProbeRefused);
}

TEST_CASE("without probes a backend is up from the start") {
  MonitorFixture f(2);
  f.pool.probe.type = conf::ProbeType::None;
  f.start();
  REQUIRE(f.views.size() == 1);
  CHECK(f.state(0) == State::Up);
  CHECK(f.loop.timers_set() == 0);

  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 1);
  f.loop.run();
  CHECK(f.is_suspect(0));
  f.monitor->on_passive_success(f.id(0));
  f.loop.run();
  CHECK(!f.is_suspect(0));

  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 1);
  f.loop.advance(2s);
  CHECK_MESSAGE(!f.is_suspect(0), "nobody uses it: it may try again after the interval");
  CHECK(f.net.at(1000).dials() == 0);
}

TEST_CASE("a refused request has the backend probed at once; dead means down within fall fast probes") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  f.loop.advance(1s);
  f.server(0).dies();
  f.loop.run();
  const std::size_t dials = f.server(0).dials();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 1);
  f.loop.run();
  CHECK(f.is_suspect(0));
  CHECK(f.server(0).dials() == dials + 1);
  f.loop.advance(399ms);
  CHECK(f.state(0) == State::Up);
  f.loop.advance(1ms);
  CHECK(f.state(0) == State::Down);
  CHECK(f.state(1) == State::Up);
  CHECK(f.take_events() == "suspect app0 request_failed, down app0 probe_refused");
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Refused, 9);
  f.loop.advance(500ms);
  CHECK_MESSAGE(f.server(0).dials() == dials + 3, "late failures of a dead backend change nothing");
}

TEST_CASE("since counts from the first sign of this trouble, not of an older one") {
  MonitorFixture f;
  f.start_up();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 1);
  f.loop.advance(60ms);
  CHECK(!f.is_suspect(0));  // that was nothing
  f.loop.advance(1h);
  f.server(0).hangs();
  f.server(0).last().resets();
  f.take_events();
  f.loop.advance(100ms);
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Timeout, 1);
  f.loop.advance(3s);
  REQUIRE(f.state(0) == State::Down);
  CHECK(f.events.back().since == 3s);

  f.server(0).accepts();
  f.loop.advance(2200ms);
  REQUIRE(f.state(0) == State::Up);
  CHECK_MESSAGE(f.events.back().since == 1200ms, "how long it was out");
}

TEST_CASE("a suspicion ends with a good probe begun after it") {
  MonitorFixture f(1);
  f.start_up();
  f.server(0).last().on_bytes(nullptr);
  f.loop.advance(1950ms);
  REQUIRE(f.server(0).last().received().empty());
  f.loop.advance(100ms);
  REQUIRE_FALSE(f.server(0).last().received().empty());  // a probe waits for its response
  const std::size_t dials = f.server(0).dials();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Timeout, 1);
  f.loop.run();
  CHECK_MESSAGE(f.server(0).dials() == dials, "never two probes at once");
  f.server(0).last().take();
  f.server(0).sends(kOkResponse);
  f.loop.run();
  CHECK_MESSAGE(f.is_suspect(0), "that answer was on its way before the failure");
  CHECK_FALSE(f.server(0).last().received().empty());
  f.server(0).sends(kOkResponse);
  f.loop.run();
  CHECK(!f.is_suspect(0));
}

TEST_CASE("a stream of failing requests does not become a stream of probes or views") {
  MonitorFixture f(1);
  f.start_up();
  f.loop.advance(1s);
  const std::size_t probes = f.server(0).heads().size();
  const std::size_t views = f.views.size();
  for (int i = 0; i < 1000; ++i) {
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 1);
    f.loop.advance(1ms);
  }
  CHECK(f.server(0).heads().size() - probes <= 21);
  CHECK(f.views.size() - views <= 42);
}

TEST_CASE("failures of a backend that has not started are nobody's fault") {
  MonitorFixture f(1);
  f.start();
  f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 50);
  f.loop.run();
  CHECK(f.state(0) == State::Starting);
  CHECK(f.take_events().empty());
}

TEST_CASE("views: one per turn with changes, none without") {
  MonitorFixture f(50);
  f.start_up();
  const std::size_t views = f.views.size();
  f.loop.advance(20s);
  CHECK_MESSAGE(f.views.size() == views, "probes that change nothing publish nothing");
  for (std::size_t i = 0; i < 50; ++i) f.monitor->on_passive_failure(f.id(i), ErrorCode::Reset, 1);
  const auto before = f.views.back();
  f.loop.run();
  CHECK(f.views.size() <= views + 2);
  CHECK_MESSAGE(!before->of(f.id(0)).suspect, "a published view never changes");
  for (std::size_t i = 1; i < f.views.size(); ++i) CHECK(f.views[i]->version == f.views[i - 1]->version + 1);
}

TEST_CASE("a stopped process does not blame its backends") {
  MonitorFixture f;
  f.start_up();
  f.take_events();
  f.server(0).last().on_bytes(nullptr);
  f.server(1).last().on_bytes(nullptr);
  f.loop.advance(2s);
  REQUIRE_FALSE(f.server(0).last().received().empty());
  f.loop.jump(1h);
  f.server(0).stays_silent();
  f.loop.run();
  CHECK(f.state(0) == State::Up);
  CHECK(!f.is_suspect(0));
  CHECK(f.report(0).discarded_total == 1);
  CHECK(f.report(0).failed_total == 0);
  CHECK_MESSAGE(f.server(0).dials() == 2, "probed again at once, afresh");
  CHECK(f.take_events().empty());
  f.loop.advance(1s);
  CHECK_MESSAGE(f.is_suspect(0), "the new round counts");
}

TEST_CASE("slow start is off where the pool says so") {
  MonitorFixture f(1);
  f.pool.slow_start = 0s;
  f.start_up();
  f.server(0).dies();
  f.loop.advance(3s);
  REQUIRE(f.state(0) == State::Down);
  f.server(0).accepts();
  f.loop.advance(3s);
  REQUIRE(f.state(0) == State::Up);
  CHECK(!f.views.back()->of(f.id(0)).slow_start);
}

TEST_CASE("the report") {
  MonitorFixture f(1);
  f.start_up();
  f.loop.advance(40s);
  f.server(0).dies();
  f.loop.advance(2200ms);
  const Report report = f.report(0);
  CHECK(report.state == State::Up);
  CHECK(report.suspect);
  CHECK(report.passed_total == 21);
  CHECK(report.failed_total == 2);
  CHECK(report.failed_in_a_row == 2);
  CHECK(report.history.size() == 20);
  CHECK(report.history.front().reason == Reason::None);
  CHECK(report.history.front().status == 200);
  CHECK(report.history[17].reason == Reason::None);
  CHECK(report.history[18].reason == Reason::ProbeRefused);
  CHECK(report.history[19].reason == Reason::ProbeRefused);
  CHECK(report.history[17].detail.empty());
  CHECK(report.history[19].detail == "refused");
  CHECK(report.last_probe->reason == Reason::ProbeRefused);
  CHECK(report.last_detail == "refused");
  CHECK(!report.ejected_until);
  CHECK(report.since <= base::wall_now());
}

TEST_CASE("stop leaves nothing, wherever a probe is") {
  for (const auto delay : {0ms, 50ms, 100ms, 1500ms, 2100ms, 2500ms, 10000ms}) {
    MonitorFixture f(4);
    f.server(0).responds_with(kOkResponse);
    f.server(1).refuses();
    f.server(2).hangs();
    f.start();
    f.loop.advance(delay);
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 9);
    f.monitor->stop();
    f.loop.run();
    const std::size_t views = f.views.size();
    CHECK(f.loop.timers_set() == 0);
    CHECK(f.net.open_count() == 0);
    CHECK(f.net.dials_under_way() == 0);
    f.monitor->on_passive_failure(f.id(0), ErrorCode::Reset, 9);
    f.loop.advance(1h);
    CHECK(f.views.size() == views);
    CHECK(f.loop.timers_set() == 0);
    f.monitor.reset();
    CHECK(f.loop.timers_alive() == 0);
  }
}
