// Our own requests to a server: what comes back, which connection they use, and how they end.
#include "web/http_client.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_loop.h"
#include "tests/support/fake_net.h"

using namespace holdfast;
using namespace holdfast::web;
using namespace std::chrono_literals;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Outcomes final : HttpClient::Handler {
  struct Outcome {
    std::uint16_t status = 0;
    std::string body;
    std::optional<base::Error> error;
  };

  HttpClient::Body on_head(const http::ResponseHead& head) override {
    heads.push_back(head.status);
    return wanted;
  }
  void on_response(std::uint16_t status, std::string_view body) override {
    outcomes.push_back({status, std::string(body), {}});
    if (then) std::exchange(then, nullptr)();
  }
  void on_failed(const base::Error& error, std::uint16_t status) override {
    outcomes.push_back({status, {}, error});
    if (then) std::exchange(then, nullptr)();
  }

  HttpClient::Body wanted = HttpClient::Body::Keep;
  std::vector<std::uint16_t> heads;
  std::vector<Outcome> outcomes;
  std::function<void()> then;
};

struct Fixture {
  explicit Fixture(const HttpClientLimits& limits = {})
      : client(std::make_unique<HttpClient>(tests::fake_address(80), loop, net, handler, limits)) {}

  void send(HttpClient::Connect connect = HttpClient::Connect::Reuse, std::string_view bytes = kGet) {
    client->send({.bytes = bytes, .method = http::Method::Get, .timeout = 1s, .since = loop.now(), .connect = connect});
  }
  /// One request to its end, or to where it waits.
  std::optional<Outcomes::Outcome> ask(HttpClient::Connect connect = HttpClient::Connect::Reuse) {
    const std::size_t before = handler.outcomes.size();
    send(connect);
    CHECK_MESSAGE(handler.outcomes.size() == before, "never from inside send()");
    loop.run();
    return handler.outcomes.size() > before ? std::optional(handler.outcomes.back()) : std::nullopt;
  }

  tests::FakeLoop loop;
  tests::FakeDialer net{loop};
  Outcomes handler;
  tests::FakeServer& server = net.at(80);
  std::unique_ptr<HttpClient> client;
};

}  // namespace

TEST_CASE("one connection serves request after request, until a fresh one is asked for") {
  Fixture f;
  f.server.responds_with(kOk);
  for (int i = 0; i < 3; ++i) {
    const auto outcome = f.ask();
    REQUIRE(outcome);
    CHECK(outcome->status == 200);
    CHECK(outcome->body == "ok");
  }
  CHECK(f.server.dials() == 1);
  CHECK(f.server.heads()[2] == kGet);
  CHECK(f.ask(HttpClient::Connect::Fresh)->status == 200);
  CHECK(f.server.dials() == 2);
  CHECK_MESSAGE(f.server.open_count() == 1, "the old connection is closed");
  CHECK(f.loop.timers_set() == 0);
}

TEST_CASE("what is wanted of the body says how much of it is read") {
  struct Row {
    HttpClient::Body wanted;
    const char* body;
    std::size_t open;
  };
  for (const Row& row : {Row{HttpClient::Body::Keep, "ok", 1}, Row{HttpClient::Body::Skip, "", 1},
                         Row{HttpClient::Body::Leave, "", 0}}) {
    Fixture f;
    f.handler.wanted = row.wanted;
    f.server.responds_with(kOk);
    const auto outcome = f.ask();
    REQUIRE(outcome);
    CHECK(outcome->status == 200);
    CHECK(outcome->body == row.body);
    CHECK(f.server.open_count() == row.open);
  }
}

TEST_CASE("what is left is not waited for") {
  Fixture f;
  f.handler.wanted = HttpClient::Body::Leave;
  f.server.responds_with("HTTP/1.1 503 Busy\r\nContent-Length: 900\r\n\r\n");
  CHECK(f.ask()->status == 503);
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a body beyond the limit is cut, and its connection closed") {
  Fixture f({.body_bytes_max = 10});
  SUBCASE("by length") { f.server.responds_with("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n0123456789abc"); }
  SUBCASE("chunked") {
    f.server.responds_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\n0123456789abc");
  }
  const auto outcome = f.ask();
  REQUIRE(outcome);
  CHECK(outcome->body == "0123456789");
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a body that just fits is whole") {
  Fixture f({.body_bytes_max = 2});
  f.server.responds_with(kOk);
  CHECK(f.ask()->body == "ok");
  CHECK(f.server.open_count() == 1);
}

TEST_CASE("interim responses are passed over") {
  Fixture f;
  f.server.responds_with(std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n") + kOk);
  CHECK(f.ask()->body == "ok");
  CHECK(f.handler.heads == std::vector<std::uint16_t>{200});
}

TEST_CASE("a kept connection found closed is replaced within the request, a fresh one is not") {
  Fixture f;
  f.server.responds_with(kOk);
  CHECK(f.ask()->status == 200);
  SUBCASE("known before") {
    f.server.last().closes();
    f.loop.run();
  }
  SUBCASE("found out by the request") { f.server.last().resets(); }
  SUBCASE("closed when the request came") {
    f.server.last().on_bytes([](tests::FakePeer p) { p.closes(); });
  }
  CHECK(f.ask()->status == 200);
  CHECK(f.server.dials() == 2);

  f.server.on_bytes([](tests::FakePeer p) { p.closes(); });
  const auto outcome = f.ask(HttpClient::Connect::Fresh);
  REQUIRE(outcome);
  REQUIRE(outcome->error);
  CHECK(outcome->error->code == base::ErrorCode::Closed);
  CHECK(outcome->error->text == "the connection ended before a response");
  CHECK(f.server.dials() == 3);
}

TEST_CASE("how a request fails, and what is said of it") {
  using base::ErrorCode;
  struct Row {
    const char* why;
    std::function<void(tests::FakePeer)> react;
    ErrorCode code;
    const char* text;  // null: whatever the parser says
    std::uint16_t status;
  };
  const Row rows[] = {
      {"cut within the head",
       [](tests::FakePeer p) {
         p.sends("HTTP/1.1 2");
         p.closes();
       },
       ErrorCode::Closed, "the response was cut short", 0},
      {"reset within the body",
       [](tests::FakePeer p) {
         p.sends("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no");
         p.resets();
       },
       ErrorCode::Reset, "the response was cut short", 200},
      {"not HTTP", [](tests::FakePeer p) { p.sends("SSH-2.0-OpenSSH_9.2\r\n\r\n"); }, ErrorCode::Malformed, nullptr, 0},
      {"a bad chunk",
       [](tests::FakePeer p) { p.sends("HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"); },
       ErrorCode::Malformed, nullptr, 201},
      {"a head without end", [](tests::FakePeer p) { p.sends("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')); },
       ErrorCode::Malformed, nullptr, 0}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f;
    f.server.on_bytes(row.react);
    const auto outcome = f.ask();
    REQUIRE(outcome);
    REQUIRE(outcome->error);
    CHECK(outcome->error->code == row.code);
    if (row.text != nullptr) CHECK(outcome->error->text == row.text);
    CHECK_FALSE(outcome->error->text.empty());
    CHECK(outcome->status == row.status);
    CHECK(f.server.open_count() == 0);
    CHECK(f.loop.timers_set() == 0);
  }
}

TEST_CASE("one deadline for all of it") {
  Fixture f;
  const char* text = "no complete response within 1s";
  SUBCASE("the connect hangs") {
    f.server.hangs();
    text = "no connection within 1s";
  }
  SUBCASE("a slow connect, then silence") { f.server.accepts_after(700ms); }
  SUBCASE("half a response") {
    f.server.on_bytes([](tests::FakePeer p) { p.sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"); });
  }
  CHECK_FALSE(f.ask());
  f.loop.advance(999ms);
  CHECK(f.handler.outcomes.empty());
  f.loop.advance(1ms);
  REQUIRE(f.handler.outcomes.size() == 1);
  REQUIRE(f.handler.outcomes[0].error);
  CHECK(f.handler.outcomes[0].error->code == base::ErrorCode::Timeout);
  CHECK(f.handler.outcomes[0].error->text == text);
  CHECK(f.server.open_count() == 0);
  CHECK(f.net.dials_under_way() == 0);
}

TEST_CASE("the time may have begun before the request") {
  Fixture f;
  f.client->send({.bytes = kGet, .timeout = 1s, .since = f.loop.now() - 900ms});
  f.loop.advance(99ms);
  CHECK(f.handler.outcomes.empty());
  f.loop.advance(1ms);
  REQUIRE(f.handler.outcomes.size() == 1);
  CHECK(f.handler.outcomes[0].error->text == "no complete response within 1s");
}

TEST_CASE("the handler may ask again at once, or give up") {
  Fixture f;
  SUBCASE("the next request goes by the same connection") {
    f.server.responds_with(kOk);
    f.handler.then = [&] { f.send(); };
    f.ask();
    CHECK(f.handler.outcomes.size() == 2);
    CHECK(f.server.dials() == 1);
    CHECK(f.server.open_count() == 1);
  }
  SUBCASE("after a failure by another one") {
    f.server.on_bytes([](tests::FakePeer p) { p.closes(); });
    f.handler.then = [&] {
      f.server.responds_with(kOk);
      f.send();
    };
    f.ask();
    REQUIRE(f.handler.outcomes.size() == 2);
    CHECK(f.handler.outcomes[1].body == "ok");
    CHECK(f.server.dials() == 2);
  }
  SUBCASE("cancel() closes the connection that would have been kept") {
    f.server.responds_with(kOk);
    f.handler.then = [&] { f.client->cancel(); };
    f.ask();
    CHECK(f.handler.outcomes.size() == 1);
    CHECK(f.server.open_count() == 0);
  }
}

TEST_CASE("bytes that nobody asked for end a kept connection") {
  Fixture f;
  f.server.responds_with(kOk);
  CHECK(f.ask()->status == 200);
  SUBCASE("later") {
    f.server.sends("junk");
    f.loop.run();
  }
  SUBCASE("with the response") {
    f.server.responds_with(std::string(kOk) + "junk");
    CHECK(f.ask(HttpClient::Connect::Fresh)->body == "ok");
  }
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("a request that is taken in pieces") {
  Fixture f;
  f.server.responds_with(kOk);
  f.ask();
  f.server.last().take();
  f.server.last().on_bytes(nullptr);
  f.server.last().blocks_after(10);
  const std::string request = "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'b');
  f.send(HttpClient::Connect::Reuse, request);
  f.loop.run();
  CHECK(f.server.last().received() == request.substr(0, 10));
  f.server.last().unblocks();
  f.loop.run();
  CHECK(f.server.last().received() == request);
  f.server.sends(kOk);
  f.loop.run();
  CHECK(f.handler.outcomes.size() == 2);
  CHECK(f.server.open_count() == 1);
}

TEST_CASE("cancelled or destroyed, it leaves nothing behind and says nothing more") {
  using Step = void (*)(Fixture&);
  const Step stages[] = {[](Fixture& f) { f.server.hangs(); }, [](Fixture& f) { f.server.accepts(); },
                         [](Fixture& f) { f.server.responds_with(kOk); }};
  const Step ends[] = {[](Fixture& f) { f.client->cancel(); }, [](Fixture& f) { f.client.reset(); }};
  for (const Step stage : stages) {
    for (const Step end : ends) {
      Fixture f;
      stage(f);
      f.ask();
      const std::size_t before = f.handler.outcomes.size();
      end(f);
      f.loop.advance(1h);
      CHECK(f.handler.outcomes.size() == before);
      CHECK(f.net.open_count() == 0);
      CHECK(f.net.dials_under_way() == 0);
      CHECK(f.loop.timers_set() == 0);
    }
  }
}
