#include "health/http_probe.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "health/expect.h"
#include "health/http_questions.h"
#include "health/tcp_probe.h"
#include "tests/support/fake_loop.h"
#include "tests/support/fake_net.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct ProbeFixture {
  explicit ProbeFixture(conf::Probe settings = {}) : probe(std::move(settings)) {
    prober =
        std::make_unique<HttpProbe>(probe, tests::fake_address(80), std::make_unique<HttpQuestions>(probe, "app:80"),
                                    loop, net, [this](const ProbeOutcome& o) { outcomes.push_back(o); });
  }

  /// Runs one probe to its end, or to where it waits.
  std::optional<ProbeOutcome> ask(Connect how = Connect::Reuse) {
    const std::size_t before = outcomes.size();
    prober->begin(how);
    CHECK(outcomes.size() == before);
    loop.run();
    return outcomes.size() > before ? std::optional(outcomes.back()) : std::nullopt;
  }

  tests::FakeLoop loop;
  tests::FakeDialer net{loop};
  conf::Probe probe;
  std::unique_ptr<Prober> prober;
  std::vector<ProbeOutcome> outcomes;
  tests::FakeServer& server = net.at(80);
};

}  // namespace

TEST_CASE("the connection is kept between probes and fresh when asked for") {
  ProbeFixture f;
  f.server.responds_with(kOk);
  for (int i = 0; i < 3; ++i) CHECK(f.ask()->passed());
  CHECK(f.server.dials() == 1);
  CHECK(f.server.heads().size() == 3);
  CHECK(f.server.heads()[2] == "GET / HTTP/1.1\r\nHost: app:80\r\nUser-Agent: holdfast-probe\r\n\r\n");
  CHECK(f.ask(Connect::Fresh)->passed());
  CHECK(f.server.dials() == 2);
  CHECK_MESSAGE(f.server.open_count() == 1, "the old connection is closed");
  CHECK(f.outcomes.back().status == 200);
  CHECK(f.outcomes.back().detail == "status 200");
}

TEST_CASE("what a response comes to, whole or byte by byte") {
  using State = std::optional<Reason>;
  struct Row {
    const char* why;
    std::string response;
    State want;  // nullopt: still waiting
    bool kept;
    const char* method = "GET";
  };
  const Row rows[] = {
      {"plain", kOk, Reason::None, true},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", Reason::None, true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Reason::None, true},
      {"not to be kept", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", Reason::None, false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Reason::None, false},
      {"interim answers first", std::string("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n") + kOk,
       Reason::None, true},
      {"more than was asked for", std::string(kOk) + "junk", Reason::None, false},
      {"HEAD has no body", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", Reason::None, true, "HEAD"},
      {"status", "HTTP/1.1 503 Busy\r\nContent-Length: 900\r\n\r\n", Reason::ProbeBadStatus, false},
      {"upgrade out of the blue", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
       Reason::ProbeBadStatus, false},
      {"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Reason::ProbeMalformed, false},
      {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason::ProbeMalformed, false},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-", std::nullopt, true},
      {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", std::nullopt, true},
      {"no end announced", "HTTP/1.1 200 OK\r\n\r\nok", std::nullopt, true}};
  for (const Row& row : rows) {
    for (const bool in_pieces : {false, true}) {
      INFO(row.why);
      INFO(in_pieces);
      ProbeFixture f({.method = row.method});
      f.ask();
      if (in_pieces) {
        for (const char c : row.response) {
          if (!f.server.last().is_open()) break;
          f.server.sends(std::string(1, c));
          f.loop.run();
        }
      } else {
        f.server.sends(row.response);
        f.loop.run();
      }
      REQUIRE(f.outcomes.size() == (row.want ? 1 : 0));
      if (row.want) CHECK(name_of(f.outcomes[0].reason) == name_of(*row.want));
      // Bytes beyond the response that come later are found later: then too the connection goes.
      CHECK((f.server.open_count() == 1) == row.kept);
    }
  }
}

TEST_CASE("bytes beyond a response that filled the last read are not left for the next probe") {
  ProbeFixture f;
  f.ask();
  std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\nX: ";
  response += std::string(4096 - 4000 - 4 - response.size(), 'x') + "\r\n\r\n" + std::string(4000, 'b');
  REQUIRE(response.size() == 4096);
  f.server.sends(response + "junk");
  f.loop.run();
  REQUIRE(f.outcomes.size() == 1);
  CHECK(f.outcomes[0].passed());
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("an event for bytes that have been read already does not cost the connection") {
  ProbeFixture f;
  f.ask();
  f.server.sends("HTTP/1.1 200 OK\r\n");
  f.server.sends("Content-Length: 0\r\n\r\n");
  f.loop.run();
  REQUIRE(f.outcomes.size() == 1);
  CHECK(f.server.open_count() == 1);
}

TEST_CASE("expectations on the body") {
  ProbeFixture f({.expect_body = "ok", .expect_json = {{"/s", "ok"}}});
  f.server.responds_with("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"s\":\"ok\"}");
  CHECK(f.ask()->passed());
  f.server.last().on_bytes([](tests::FakePeer p) {
    p.take();
    p.sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"t\"\r\n6\r\n:\"ok\"}\r\n0\r\n\r\n");
  });
  CHECK(f.ask()->reason == Reason::ProbeBadJson);
  f.server.responds_with("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope");
  CHECK(f.ask()->reason == Reason::ProbeBadBody);
}

TEST_CASE("a response that ends with the connection") {
  ProbeFixture f({.expect_body = "ok"});
  f.ask();
  f.server.sends("HTTP/1.1 200 OK\r\n\r\nok");
  f.server.last().closes();
  f.loop.run();
  REQUIRE(f.outcomes.size() == 1);
  CHECK(f.outcomes[0].passed());
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a huge body is not read to its end") {
  ProbeFixture f({.expect_body = "needle"});
  f.ask();
  f.server.sends("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(kProbeBodyBytesMax, 'x'));
  f.loop.run();
  CHECK(f.outcomes.empty());
  f.server.sends("needle");
  f.loop.run();
  REQUIRE(f.outcomes.size() == 1);
  CHECK_MESSAGE(f.outcomes[0].reason == Reason::ProbeBadBody, "what is past the bound does not count");
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a head without end is refused") {
  ProbeFixture f;
  f.ask();
  f.server.sends("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'));
  f.loop.run();
  REQUIRE(f.outcomes.size() == 1);
  CHECK(f.outcomes[0].reason == Reason::ProbeMalformed);
}

TEST_CASE("a kept connection found closed is replaced within the probe, once") {
  ProbeFixture f;
  f.server.responds_with(kOk);
  CHECK(f.ask()->passed());

  SUBCASE("closed between probes, noticed then") {
    f.server.last().closes();
    f.loop.run();
    CHECK(f.server.open_count() == 0);
  }
  SUBCASE("closed between probes, noticed only by the next one") { f.server.last().closes(); }
  SUBCASE("reset between probes, noticed only by the next one") { f.server.last().resets(); }
  SUBCASE("closed when the request came") {
    f.server.last().on_bytes([](tests::FakePeer p) { p.closes(); });
  }
  SUBCASE("reset when the request came") {
    f.server.last().on_bytes([](tests::FakePeer p) { p.resets(); });
  }
  const auto outcome = f.ask();
  REQUIRE(outcome);
  CHECK(outcome->passed());
  CHECK(f.outcomes.size() == 2);
  CHECK(f.server.dials() == 2);
}

TEST_CASE("a fresh connection that ends without a response is a failure, not replaced") {
  struct Row {
    const char* why;
    void (*end)(tests::FakePeer&);
    Reason want;
  };
  const Row rows[] = {
      {"closed at once", [](tests::FakePeer& p) { p.closes(); }, Reason::ProbeClosed},
      {"reset at once", [](tests::FakePeer& p) { p.resets(); }, Reason::ProbeReset},
      {"closed within the head",
       [](tests::FakePeer& p) {
         p.sends("HTTP/1.1 2");
         p.closes();
       },
       Reason::ProbeClosed},
      {"reset within the body",
       [](tests::FakePeer& p) {
         p.sends("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no");
         p.resets();
       },
       Reason::ProbeReset},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    ProbeFixture f;
    f.ask();
    row.end(f.server.last());
    f.loop.run();
    REQUIRE(f.outcomes.size() == 1);
    CHECK(name_of(f.outcomes[0].reason) == name_of(row.want));
    CHECK(f.server.dials() == 1);
    CHECK(f.server.open_count() == 0);
  }
}

TEST_CASE("what the backend did before we listened is seen") {
  ProbeFixture f;
  SUBCASE("it talks first") {
    f.server.on_accept([](tests::FakePeer p) { p.sends("220 smtp.example.com ESMTP\r\n"); });
    CHECK(f.ask()->reason == Reason::ProbeMalformed);
  }
  SUBCASE("it ends at once") {
    f.server.on_accept([](tests::FakePeer p) { p.ends(); });
    CHECK(f.ask()->reason == Reason::ProbeClosed);
  }
  SUBCASE("it resets at once") {
    f.server.on_accept([](tests::FakePeer p) { p.resets(); });
    CHECK(f.ask()->reason == Reason::ProbeReset);
  }
}

TEST_CASE("the connection that replaces a stale one is not replaced again") {
  ProbeFixture f;
  f.server.responds_with(kOk);
  CHECK(f.ask()->passed());
  f.server.on_bytes([](tests::FakePeer p) { p.closes(); });
  f.server.last().resets();
  const auto outcome = f.ask();
  REQUIRE(outcome);
  CHECK(outcome->reason == Reason::ProbeClosed);
  CHECK(f.server.dials() == 2);
}

TEST_CASE("a kept connection that breaks within a response is a failure") {
  ProbeFixture f;
  f.server.responds_with(kOk);
  CHECK(f.ask()->passed());
  f.server.last().on_bytes([](tests::FakePeer p) {
    p.sends("HTTP/1.1");
    p.closes();
  });
  CHECK(f.ask()->reason == Reason::ProbeClosed);
  CHECK(f.server.dials() == 1);
}

TEST_CASE("dials that fail") {
  using base::ErrorCode;
  for (const ErrorCode code : {ErrorCode::Refused, ErrorCode::Unreachable, ErrorCode::Timeout, ErrorCode::Overload}) {
    ProbeFixture f;
    f.server.fails_with(code);
    CHECK(f.ask()->reason == reason_of(code));
    CHECK(!f.prober->is_under_way());
  }
}

TEST_CASE("one deadline over everything") {
  ProbeFixture f({.timeout = 1s});
  SUBCASE("the connect hangs") {
    f.server.hangs();
    f.ask();
  }
  SUBCASE("a slow connect, then silence") {
    f.server.accepts_after(700ms);
    f.ask();
  }
  SUBCASE("silence") { f.ask(); }
  SUBCASE("a drop at a time") {
    f.server.on_bytes([](tests::FakePeer p) { p.sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"); });
    f.ask();
    for (int i = 0; i < 3; ++i) {
      f.loop.advance(300ms);
      f.server.sends("x");
    }
    f.loop.advance(99ms);
    CHECK(f.outcomes.empty());
    f.loop.advance(1ms);
    REQUIRE(f.outcomes.size() == 1);
  }
  f.loop.advance(999ms);
  if (f.outcomes.empty()) f.loop.advance(1ms);
  REQUIRE(f.outcomes.size() == 1);
  CHECK(f.outcomes[0].reason == Reason::ProbeTimeout);
  CHECK(f.outcomes[0].took == 1s);
  CHECK(f.outcomes[0].validity == Validity::Counts);
  CHECK(f.server.open_count() == 0);
  CHECK(f.net.dials_under_way() == 0);
  CHECK(f.loop.timers_set() == 0);
}

TEST_CASE("a request that is taken in pieces") {
  ProbeFixture f({.method = "POST", .body = std::string(1000, 'b')});
  f.server.responds_with(kOk);
  CHECK(f.ask()->passed());
  f.server.last().take();
  f.server.last().on_bytes(nullptr);
  f.server.last().blocks_after(10);
  CHECK(!f.ask());
  CHECK(f.server.last().received() == "POST / HTT");
  f.server.last().unblocks();
  f.loop.run();
  CHECK(f.server.last().received().ends_with("\r\n\r\n" + std::string(1000, 'b')));
  f.server.sends(kOk);
  f.loop.run();
  CHECK(f.outcomes.size() == 2);
  CHECK(f.server.dials() == 1);
}

TEST_CASE("a response before the request was taken whole is judged, the connection not used again") {
  ProbeFixture f({.method = "POST", .body = std::string(1000, 'b')});
  f.server.responds_with(kOk);
  CHECK(f.ask()->passed());
  f.server.last().blocks_after(0);
  CHECK(!f.ask());
  f.server.sends(kOk);
  f.loop.run();
  CHECK(f.outcomes.size() == 2);
  CHECK(f.outcomes.back().passed());
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a failure found long after the deadline says that we slept") {
  struct Row {
    const char* why;
    base::Duration timeout, slept;
    Validity want;
  };
  const Row rows[] = {{"on time", 1s, 1s, Validity::Counts},
                      {"a busy loop", 1s, 2s, Validity::Counts},
                      {"stopped", 1s, 2001ms, Validity::Discarded},
                      {"a short timeout: still a second", 100ms, 1100ms, Validity::Counts},
                      {"a short timeout, slept", 100ms, 1101ms, Validity::Discarded},
                      {"a long timeout: as long again", 10s, 20s, Validity::Counts},
                      {"a long timeout, slept", 10s, 21s, Validity::Discarded}};
  for (const Row& row : rows) {
    INFO(row.why);
    ProbeFixture f({.timeout = row.timeout});
    f.ask();
    f.loop.jump(row.slept);
    f.loop.run();
    REQUIRE(f.outcomes.size() == 1);
    CHECK(f.outcomes[0].reason == Reason::ProbeTimeout);
    CHECK(f.outcomes[0].validity == row.want);
  }
  ProbeFixture f;
  f.ask();
  f.loop.jump(1h);
  f.server.sends(kOk);
  f.loop.run();
  CHECK_MESSAGE(f.outcomes.front().passed(), "a good answer is a good answer");
}

TEST_CASE("cancelling and destroying leave nothing behind") {
  using Step = void (*)(ProbeFixture&);
  const Step stages[] = {[](ProbeFixture& f) { f.server.hangs(); }, [](ProbeFixture& f) { f.server.accepts(); },
                         [](ProbeFixture& f) { f.server.responds_with(kOk); }};
  const Step ends[] = {[](ProbeFixture& f) { f.prober->cancel(); },
                       [](ProbeFixture& f) {
                         f.prober->cancel();
                         f.loop.bury(std::move(f.prober));
                       },
                       [](ProbeFixture& f) { f.prober.reset(); }};
  for (const Step stage : stages) {
    for (const Step end : ends) {
      ProbeFixture f;
      stage(f);
      f.ask();
      const std::size_t before = f.outcomes.size();
      end(f);
      f.loop.advance(1h);
      CHECK(f.outcomes.size() == before);
      CHECK(f.net.open_count() == 0);
      CHECK(f.net.dials_under_way() == 0);
      CHECK(f.loop.timers_set() == 0);
    }
  }
}

TEST_CASE("a TCP probe: a connection is enough, and is closed at once") {
  ProbeFixture f({.timeout = 1s});
  f.prober = std::make_unique<TcpProbe>(f.probe, tests::fake_address(80), f.loop, f.net,
                                        [&f](const ProbeOutcome& o) { f.outcomes.push_back(o); });
  CHECK(f.ask()->passed());
  CHECK(f.ask()->passed());
  CHECK(f.server.dials() == 2);
  CHECK(f.server.open_count() == 0);
  f.server.refuses();
  CHECK(f.ask()->reason == Reason::ProbeRefused);
  f.server.hangs();
  CHECK(!f.ask());
  f.loop.advance(1s);
  CHECK(f.outcomes.back().reason == Reason::ProbeTimeout);
  CHECK(f.outcomes.back().detail == "no connection within 1s");
}
