// The live stream, as a client of the admin listener gets it.
#include "admin/live.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/log.h"
#include "tests/admin/fake_services.h"
#include "tests/support/fake_net.h"
#include "tests/support/text.h"
#include "web/server.h"

using namespace holdfast;
using namespace holdfast::admin;
using holdfast::tests::has;
using namespace std::chrono_literals;
using nlohmann::json;
using tests::FakePeer;

namespace {

struct Message {
  std::string kind;
  std::string id;
  json data;
};

std::vector<Message> messages_in(const std::string& text) {
  std::vector<Message> out;
  for (std::size_t at = text.find("event: "); at != std::string::npos; at = text.find("\nevent: ", at)) {
    if (text[at] == '\n') ++at;
    const std::string block = text.substr(at, text.find("\n\n", at) - at);
    const auto value = [&](const std::string& key) {
      const std::size_t from = block.find(key);
      if (from == std::string::npos) return std::string{};
      const std::size_t begin = from + key.size();
      return block.substr(begin, block.find('\n', begin) - begin);
    };
    out.push_back({value("event: "), value("\nid: "), json::parse(value("\ndata: "))});
  }
  return out;
}

struct Fixture : FakeServices {
  explicit Fixture(web::ConnectionLimits limits = {}, Live::Limits live_limits = {})
      : FakeServices(
            {.users = {{"anna", "hash", web::Role::Viewer}}},
            [](const std::string&, const std::string&, const std::function<void(bool)>& done) { done(true); },
            live_limits),
        server(loop, make_router(all()), web::HostRule(tests::fake_address(8081), "127.0.0.1"), limits) {}

  FakePeer ask(const std::string& target, const std::string& fields = "Accept: text/event-stream\r\n") {
    return talk("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  }
  FakePeer post(const std::string& target, const std::string& fields, const std::string& body) {
    return talk("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  FakePeer talk(const std::string& bytes) {
    auto [stream, peer] = tests::fake_connection(loop);
    server.accept(std::move(stream));
    peer.sends(bytes);
    loop.run();
    return peer;
  }
  /// The field of a login's cookie, with its line end.
  std::string login() {
    const std::string response = post("/api/v1/login", "", R"({"name":"anna","password":"x"})").take();
    const std::size_t begin = response.find("holdfast_admin=");
    return "Cookie: " + response.substr(begin, response.find(';', begin) - begin) + "\r\n";
  }
  void happens(const char* backend) {
    timeline.on_log(base::LogLevel::Warn, "backend_down",
                    {{"pool", "shop"}, {"backend", backend}, {"reason", "probe_refused"}, {"since_ms", 12}});
  }
  BackendView& backend(std::size_t i) { return source.view.pools[0].backends[i]; }

  web::Server server;
};

}  // namespace

TEST_CASE("without the Accept of a stream the timeline is one JSON answer") {
  Fixture f;
  f.happens("app1");
  f.happens("app2");
  const std::string text = f.ask("/api/v1/events", "").take();
  const json body = json::parse(text.substr(text.find("\r\n\r\n") + 4));
  REQUIRE(body["events"].size() == 2);
  const json& event = body["events"][0];
  CHECK(event["id"] == "run-1");
  CHECK(event["event"] == "backend_down");
  CHECK(event["level"] == "warn");
  CHECK(event["pool"] == "shop");
  CHECK(event["backend"] == "app1");
  CHECK(event["reason"] == "probe_refused");
  CHECK(event["fields"]["since_ms"] == 12);
  CHECK(body["last"] == "run-2");
  const std::string later = f.ask("/api/v1/events?after=run-1", "").take();
  CHECK(json::parse(later.substr(later.find("\r\n\r\n") + 4))["events"].size() == 1);
}

TEST_CASE("the stream brings what was, then what happens; a listener resumes after the last event it saw") {
  Fixture f;
  f.happens("app1");
  FakePeer peer = f.ask("/api/v1/events");
  std::string text = peer.take();
  CHECK(has(text, "Content-Type: text/event-stream\r\n"));
  CHECK(has(text, "Cache-Control: no-store\r\n"));
  CHECK(has(text, "X-Accel-Buffering: no\r\n"));
  CHECK_FALSE(has(text, "Content-Length"));
  REQUIRE(messages_in(text).size() == 1);
  CHECK(messages_in(text)[0].id == "run-1");

  f.happens("app2");
  f.live.nudge();
  f.loop.advance(100ms);
  text = peer.take();
  REQUIRE(messages_in(text).size() == 1);
  CHECK(messages_in(text)[0].data["backend"] == "app2");

  CHECK(messages_in(f.ask("/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: run-1\r\n").take()).size() ==
        1);
  // Of another start of the process: everything is new.
  CHECK(messages_in(f.ask("/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: old-9\r\n").take()).size() ==
        2);
  CHECK(messages_in(f.ask("/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: run-99\r\n").take()).size() ==
        2);
}

TEST_CASE("a status listener gets the status, then what changes; states before numbers") {
  // After one patch with numbers the budget is spent for long.
  Fixture f({}, {.patches = {.number_bytes_per_second = 10}});
  FakePeer peer = f.ask("/api/v1/events?status=1");
  auto messages = messages_in(peer.take());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].kind == "status");
  CHECK(messages[0].data["pools"]["shop"]["backends"]["app2"]["state"] == "UP");

  f.backend(0).requests_total = 101;
  f.loop.advance(1s);
  messages = messages_in(peer.take());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].kind == "patch");
  CHECK(messages[0].data["pools"]["shop"]["backends"] == json::parse(R"({"app1":{"requests_total":101}})"));

  f.backend(0).requests_total = 102;
  f.backend(1).state = health::State::Down;
  f.live.nudge();
  f.loop.advance(100ms);
  messages = messages_in(peer.take());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].data["pools"]["shop"]["backends"] == json::parse(R"({"app2":{"state":"DOWN"}})"));

  f.loop.advance(60s);
  CHECK(has(peer.take(), "\"requests_total\":102"));
}

TEST_CASE("ten pages get the same patches, and one that comes later knows the same document") {
  Fixture f;
  std::vector<FakePeer> peers;
  peers.reserve(10);
  for (int i = 0; i < 9; ++i) peers.push_back(f.ask("/api/v1/events?status=1"));
  f.backend(0).sessions = 77;
  peers.push_back(f.ask("/api/v1/events?status=1"));
  CHECK(f.live.listener_count() == 10);
  const auto last = messages_in(peers.back().take());
  REQUIRE(last.size() == 1);
  CHECK(last[0].data["pools"]["shop"]["backends"]["app1"]["sessions"] == 77);
  const auto first = messages_in(peers.front().take());
  REQUIRE(first.size() == 2);
  CHECK(first[1].data["pools"]["shop"]["backends"]["app1"]["sessions"] == 77);
}

TEST_CASE("silence is broken by a comment") {
  Fixture f;
  FakePeer peer = f.ask("/api/v1/events");
  peer.take();
  f.loop.advance(14s);
  CHECK(peer.take().empty());
  f.loop.advance(2s);
  CHECK(peer.take() == ": still here\n\n");
}

TEST_CASE("there are so many listeners and no more; who leaves makes room") {
  Fixture f({}, {.listeners_max = 2});
  FakePeer first = f.ask("/api/v1/events");
  FakePeer second = f.ask("/api/v1/events");
  CHECK(f.ask("/api/v1/events").take().starts_with("HTTP/1.1 503 "));
  first.closes();
  f.loop.run();
  CHECK(f.live.listener_count() == 1);
  CHECK(f.ask("/api/v1/events").take().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a listener that takes nothing is given up, by bytes and by time") {
  SUBCASE("by bytes") {
    Fixture f({.feed_backlog_max = 3000});
    FakePeer peer = f.ask("/api/v1/events");
    peer.blocks_after(0);
    for (int i = 0; i < 100; ++i) f.happens("app1");
    f.live.nudge();
    f.loop.advance(100ms);
    CHECK_FALSE(peer.is_open());
    CHECK(f.live.listener_count() == 0);
  }
  SUBCASE("by time") {
    Fixture f({.feed_patience = 20s});
    FakePeer peer = f.ask("/api/v1/events");
    peer.blocks_after(0);
    f.happens("app1");
    f.loop.advance(15s);
    CHECK(peer.is_open());
    f.loop.advance(10s);
    CHECK_FALSE(peer.is_open());
  }
}

TEST_CASE("the stream of a login ends with it") {
  Fixture f;
  const std::string anna = f.login();
  FakePeer hers = f.ask("/api/v1/events?status=1", "Accept: text/event-stream\r\n" + anna);
  FakePeer other = f.ask("/api/v1/events", "Accept: text/event-stream\r\n" + f.login());
  FakePeer nobodys = f.ask("/api/v1/events");
  f.loop.advance(30min);
  CHECK((hers.is_open() && other.is_open() && nobodys.is_open()));
  SUBCASE("when it logs out") {
    hers.take();
    CHECK(f.post("/api/v1/logout", anna, "{}").take().starts_with("HTTP/1.1 200 "));
    f.happens("app1");
    f.loop.advance(1s);
    CHECK(hers.take().empty());
    CHECK_FALSE(hers.is_open());
    CHECK(other.is_open());
  }
  SUBCASE("when it expires: listening is no use of it") {
    f.loop.advance(31min);
    CHECK_FALSE(hers.is_open());
    CHECK_FALSE(other.is_open());
  }
  CHECK(nobodys.is_open());
  CHECK(f.live.listener_count() == (other.is_open() ? 2 : 1));
}

TEST_CASE("nobody listens: nothing is made; the server may go while somebody does") {
  Fixture f;
  CHECK(f.loop.timers_set() == 0);
  {
    FakePeer peer = f.ask("/api/v1/events?status=1");
    CHECK(f.loop.timers_set() > 0);
    peer.closes();
    f.loop.run();
  }
  CHECK(f.loop.timers_set() == 0);
}

TEST_CASE("the timeline is bounded, in events, fields and bytes") {
  Timeline timeline("x");
  for (std::size_t i = 0; i < Timeline::kKept + 10; ++i) {
    timeline.on_log(base::LogLevel::Info, "word", {{"detail", std::string(5000, 'a')}});
  }
  const auto events = timeline.after(0);
  REQUIRE(events.size() == Timeline::kKept);
  CHECK(events.front().number == 11);
  CHECK(std::get<std::string>(events.front().fields.at(0).second).size() == Timeline::kTextBytesMax);
}

TEST_CASE("the timeline hears what is logged, also what the log's level leaves out") {
  Timeline timeline("x");
  base::log_setup(base::LogLevel::Error, base::LogFormat::Text);
  base::log_watch(&timeline);
  base::log::info("backend_up", {{"pool", "shop"}});
  base::log::debug("backend_suspect");
  base::log_watch(nullptr);
  base::log_setup(base::LogLevel::Info, base::LogFormat::Text);
  REQUIRE(timeline.after(0).size() == 1);
  CHECK(timeline.after(0)[0].word == "backend_up");
}
