#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/redis_link.h"
#include "tests/net/redis_fake.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using base::ErrorCode;
using net::RedisConnection;
using net::RedisLink;

namespace {

struct Fixture : FakeRedisNet {
  std::vector<std::string> results;  ///< In the order they came: a text, a number, or the name of an error.
  std::vector<std::unique_ptr<net::RedisCall>> handles;
  std::vector<net::RedisState> states;
  std::unique_ptr<RedisLink> link =
      std::make_unique<RedisLink>(ground, fake_settings(), [this](const auto& state) { states.push_back(state); });

  void note(const base::Result<net::RedisReply>& result) {
    if (!result) return results.emplace_back(base::name_of(result.error().code)), void();
    results.push_back(result->is_integer() ? std::to_string(result->integer) : result->text);
  }
  void call(std::string_view word) {
    handles.push_back(link->call({word}, [this](auto result) { note(result); }));
  }
  void come_up() {
    loop.run();
    REQUIRE(link->is_up());
    redis.take();
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("redis link: every command has its deadline, and one that passes fails all at once") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.loop.advance(60ms);
  f.call("B");
  f.redis.peer().sends("+a\r\n");
  f.loop.advance(0ms);
  f.call("C");
  CHECK(f.results == Texts{"a"});
  f.loop.advance(99ms);
  CHECK(f.results == Texts{"a"});
  f.loop.advance(1ms);
  CHECK(f.results == Texts{"a", "timeout", "timeout"});
  CHECK(f.link->state().reason == "timeout");
  CHECK(f.link->counts().timeouts == 2);
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("redis link: an answer that comes too late meets nobody") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.loop.advance(100ms);
  FakePeer late = f.redis.peer();
  late.sends("+late\r\n");
  f.loop.advance(RedisConnection::kPauseMin);
  REQUIRE(f.link->is_up());
  f.redis.take();
  f.call("B");
  f.redis.peer().sends("+b\r\n");
  f.loop.run();
  CHECK(f.results == Texts{"timeout", "b"});
}

TEST_CASE("redis link: when it is we who were late, what has come counts") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.call("B");
  f.redis.peer().sends("+a\r\n+b\r\n");
  f.loop.jump(5s);
  f.loop.run();
  CHECK(f.results == Texts{"a", "b"});
  CHECK(f.link->is_up());
}

TEST_CASE("redis link: pauses grow, with chance, and begin anew after a stable time") {
  Fixture f;
  f.server.refuses();
  f.loop.run();
  std::vector<base::Duration> pauses;
  for (int i = 0; i < 10; ++i) {
    const base::Instant failed = f.loop.now();
    pauses.push_back(*f.loop.next_due() - failed);
    f.loop.advance(pauses.back());
  }
  base::Duration full = RedisConnection::kPauseMin;
  for (const base::Duration pause : pauses) {
    CHECK(pause >= full / 2);
    CHECK(pause <= full);
    full = std::min(full * 2, RedisConnection::kPauseMax);
  }
  CHECK(f.states.size() == 1);
  f.server.accepts();
  f.loop.advance(RedisConnection::kPauseMax);
  REQUIRE(f.link->is_up());
  SUBCASE("up too shortly") {
    f.server.refuses();
    f.redis.peer().resets();
    f.loop.run();
    CHECK(*f.loop.next_due() - f.loop.now() > RedisConnection::kPauseMax / 2 - 1ms);
  }
  SUBCASE("up for long") {
    f.redis.peer().on_bytes([](FakePeer peer) {
      peer.take();
      peer.sends("+PONG\r\n");
    });
    f.loop.advance(RedisConnection::kStableAfter);
    f.server.refuses();
    f.redis.peer().resets();
    f.loop.run();
    CHECK(*f.loop.next_due() - f.loop.now() <= RedisConnection::kPauseMin);
  }
}

TEST_CASE("redis link: a server that is only slow is not taken") {
  Fixture f;
  f.redis.proves = false;
  f.loop.run();
  CHECK_FALSE(f.link->is_up());
  f.loop.advance(99ms);
  CHECK(f.link->state().word == net::RedisState::Word::Connecting);
  f.loop.advance(1ms);
  CHECK(f.link->state().reason == "timeout");
  CHECK(f.link->counts().connects == 0);
}

TEST_CASE("redis link: who never greets is given up") {
  Fixture f;
  f.server.stays_silent();
  f.loop.advance(RedisConnection::kGreetingPatience);
  CHECK(f.link->state().reason == "timeout");
  f.server.hangs();
  f.loop.advance(10s);
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("redis link: pings while idle, not while busy") {
  Fixture f;
  f.come_up();
  f.loop.advance(999ms);
  CHECK(f.redis.take().empty());
  f.loop.advance(1ms);
  CHECK(f.redis.take() == FakeRedis::kPing);
  f.redis.peer().sends("+PONG\r\n");
  f.loop.advance(500ms);
  f.call("A");
  f.redis.take();
  f.redis.peer().sends("+a\r\n");
  f.loop.advance(999ms);
  CHECK(f.redis.take().empty());
  f.loop.advance(1ms);
  CHECK(f.redis.take() == FakeRedis::kPing);
  CHECK(f.link->counts().commands == 1);
  f.loop.advance(100ms);
  CHECK(f.link->state().reason == "timeout");
}

TEST_CASE("redis link: hostile bytes end the connection, and nothing else") {
  struct Row {
    const char* bytes;
    Texts results;  // of the calls A and B
    const char* reason;
  };
  const Row rows[] = {
      {"HTTP/1.1 400 Bad Request\r\n", {"malformed", "malformed"}, "malformed"},
      {"+a\r\n\x80\r\n", {"a", "malformed"}, "malformed"},
      {"$-7\r\n", {"malformed", "malformed"}, "malformed"},
      {"*3\r\n:1\r\n", {"timeout", "timeout"}, "timeout"},            // never finished
      {"$2000000000\r\nx", {"timeout", "timeout"}, "timeout"},        // nor this
      {"+a\r\n+b\r\n+c\r\n", {"a", "b"}, "malformed"},                // one answer too many
      {"+a\r\n+b\r\n-ERR max clients\r\n", {"a", "b"}, "malformed"},  // the same as an error
      {"+a\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n+x\r\n", {"a", ""}, "malformed"},
      {"-READONLY no\r\n", {"unavailable", "unavailable"}, "read_only_replica"},
      {"-LOADING wait\r\n", {"unavailable", "unavailable"}, "loading"},
      {"-MASTERDOWN wait\r\n", {"unavailable", "unavailable"}, "master_down"},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.bytes));
    Fixture f;
    f.come_up();
    f.call("A");
    f.call("B");
    f.server.refuses();
    f.redis.peer().sends(row.bytes);
    f.loop.advance(100ms);
    REQUIRE(f.results.size() == 2);
    std::sort(f.results.begin(), f.results.end());
    Texts want = row.results;
    std::sort(want.begin(), want.end());
    CHECK(f.results == want);
    REQUIRE_FALSE(f.states.empty());
    CHECK(f.states.at(1).reason == row.reason);
    CHECK(f.server.open_count() == 0);
    f.server.accepts();
    f.loop.advance(RedisConnection::kPauseMax);
    CHECK(f.link->is_up());
  }
}

TEST_CASE("redis link: closing in the middle of a reply") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.redis.peer().sends("$10\r\nhal");
  f.redis.peer().closes();
  f.loop.run();
  CHECK(f.results == Texts{"closed"});
  CHECK(f.link->state().reason == "closed");
  CHECK(f.link->counts().lost == 1);
}

TEST_CASE("redis link: answers cut at every byte") {
  const std::string bytes = "$3\r\nabc\r\n:5\r\n";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    Fixture f;
    f.come_up();
    f.call("A");
    f.call("B");
    f.redis.peer().sends(bytes.substr(0, cut));
    f.loop.run();
    f.redis.peer().sends(bytes.substr(cut));
    f.loop.run();
    CHECK(f.results == Texts{"abc", "5"});
  }
}

TEST_CASE("redis link: while down a call fails on the next turn, never inside") {
  Fixture f;
  f.server.refuses();
  f.loop.run();
  f.call("A");
  CHECK(f.results.empty());
  f.loop.run();
  CHECK(f.results == Texts{"unavailable"});
  f.call("B");
  f.handles.clear();
  f.loop.run();
  CHECK(f.results == Texts{"unavailable"});
  f.link->tell({"C"});
  CHECK(f.link->counts().refused == 3);
}

TEST_CASE("redis link: done may ask again, let go of itself and of others") {
  Fixture f;
  f.come_up();
  std::unique_ptr<net::RedisCall> first;
  first = f.link->call({"A"}, [&](auto result) {
    f.note(result);
    first.reset();
    f.handles.clear();
    f.call("C");
  });
  f.call("B");
  SUBCASE("answered") {
    f.redis.peer().sends("+a\r\n+b\r\n+c\r\n");
    f.loop.run();
    CHECK(f.results == Texts{"a", "c"});
  }
  SUBCASE("lost") {
    f.redis.peer().resets();
    f.loop.run();
    CHECK(f.results == Texts{"reset", "unavailable"});
  }
}

TEST_CASE("redis link: done may bury the link; the others hear of it all the same") {
  Fixture f;
  f.come_up();
  f.handles.push_back(f.link->call({"A"}, [&](auto result) {
    f.note(result);
    f.loop.bury(std::move(f.link));
  }));
  f.call("B");
  SUBCASE("answered") {
    f.redis.peer().sends("+a\r\n+b\r\n");
    f.loop.run();
    CHECK(f.results == Texts{"a", "b"});
  }
  SUBCASE("lost") {
    f.redis.peer().resets();
    f.loop.run();
    CHECK(f.results == Texts{"reset", "reset"});
  }
  CHECK_FALSE(f.link);
  CHECK(f.server.open_count() == 0);
}

TEST_CASE("redis link: the owner may bury the link when it hears of a change") {
  FakeRedisNet net;
  std::unique_ptr<RedisLink> link;
  SUBCASE("up") {}
  SUBCASE("down") { net.server.refuses(); }
  SUBCASE("refused") { net.redis.role = "slave"; }
  link = std::make_unique<RedisLink>(net.ground, fake_settings(),
                                     [&](const net::RedisState&) { net.loop.bury(std::move(link)); });
  net.loop.advance(1s);
  CHECK_FALSE(link);
  CHECK(net.server.open_count() == 0);
  CHECK(net.server.dials() == 1);
}

TEST_CASE("redis link: how much may be under way has a limit") {
  Fixture f;
  f.come_up();
  for (std::size_t i = 0; i < RedisLink::kOutstandingMax; ++i) f.link->tell({"T"});
  CHECK(f.link->counts().refused == 0);
  f.call("A");
  f.link->tell({"T"});
  CHECK(f.link->counts().refused == 2);
  f.loop.run();
  CHECK(f.results == Texts{"overload"});
  f.redis.peer().sends("+t\r\n");
  f.loop.run();
  f.call("B");
  CHECK(f.link->counts().refused == 2);
}

TEST_CASE("redis link: how many bytes may wait has a limit") {
  Fixture f;
  f.come_up();
  f.redis.peer().blocks_after(0);
  const std::string large(1u << 20, 'x');
  for (int i = 0; i < 20; ++i) f.link->tell({"SET", "k", large});
  CHECK(f.link->counts().refused >= 4);
  CHECK(f.link->counts().refused <= 5);
  const auto sent = f.link->counts().commands;
  f.redis.peer().unblocks();
  f.loop.run();
  CHECK(f.redis.take().size() > sent * large.size());
  f.link->tell({"T"});
  CHECK(f.link->counts().commands == sent + 1);
}

TEST_CASE("redis link: a script that was forgotten is loaded again within the first deadline") {
  Fixture f;
  const net::RedisScript script("s", "return 1");
  f.come_up();
  f.handles.push_back(f.link->run(script, {"k"}, {"a"}, [&](auto result) { f.note(result); }));
  const std::string evalsha = f.redis.take();
  CHECK(evalsha.find("$40\r\n" + script.sha1() + "\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n") != std::string::npos);
  f.loop.advance(60ms);
  f.call("B");
  f.redis.peer().take();
  f.redis.peer().sends("-NOSCRIPT none\r\n");
  f.loop.run();
  const std::string again = f.redis.take();
  CHECK(again.starts_with("*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n"));
  CHECK(again.ends_with(evalsha));
  SUBCASE("and answers") {
    f.redis.peer().sends("+b\r\n$40\r\n" + script.sha1() + "\r\n:1\r\n");
    f.loop.run();
    CHECK(f.results == Texts{"b", "1"});
    CHECK(f.link->counts().commands == 2);
  }
  SUBCASE("but not twice") {
    f.redis.peer().sends("+b\r\n$40\r\n" + script.sha1() + "\r\n-NOSCRIPT none\r\n");
    f.loop.run();
    CHECK(f.results == Texts{"b", "invalid"});
  }
  SUBCASE("or times out when it would have") {
    f.redis.peer().sends("+b\r\n");
    f.loop.advance(39ms);
    CHECK(f.results == Texts{"b"});
    f.loop.advance(1ms);
    CHECK(f.results == Texts{"b", "timeout"});
  }
}

TEST_CASE("redis link: latency is smoothed") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.loop.advance(8ms);
  f.redis.peer().sends("+a\r\n");
  f.loop.run();
  CHECK(f.link->latency() == 8ms);
  f.call("B");
  f.loop.advance(16ms);
  f.redis.peer().sends("+b\r\n");
  f.loop.run();
  CHECK(f.link->latency() == 9ms);
}

TEST_CASE("redis link: writes refused for want of memory are told for a while") {
  Fixture f;
  f.come_up();
  f.call("A");
  f.redis.peer().sends("-OOM command not allowed\r\n");
  f.loop.run();
  CHECK(f.results == Texts{"unavailable"});
  CHECK(f.link->is_up());
  CHECK(f.link->state().reason == "oom");
  f.redis.take();
  f.redis.peer().on_bytes([](FakePeer peer) {
    peer.take();
    peer.sends("+PONG\r\n");
  });
  f.loop.advance(RedisLink::kTroubleHold - 1ms);
  CHECK(f.link->state().reason == "oom");
  f.loop.advance(1ms);
  CHECK(f.link->state() == net::RedisState{net::RedisState::Word::Ok});
}
