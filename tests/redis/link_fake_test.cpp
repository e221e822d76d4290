#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "redis/link.h"
#include "tests/redis/fake_server.h"

// The link on the fake loop: exact times, and bytes no real server sends.
using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using redis::RedisConnection;

using Fixture = FakeRedisLink;
using Texts = std::vector<std::string>;

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

TEST_CASE("redis link: a response that comes too late meets nobody") {
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
  f.redis.verifies = false;
  f.loop.run();
  CHECK_FALSE(f.link->is_up());
  f.loop.advance(99ms);
  CHECK(f.link->state().word == redis::RedisState::Word::Connecting);
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
      {"+a\r\n+b\r\n+c\r\n", {"a", "b"}, "malformed"},                // one response too many
      {"+a\r\n+b\r\n-ERR max clients\r\n", {"a", "b"}, "malformed"},  // the same as an error
      {"+a\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n+x\r\n", {"a", ""}, "malformed"},
      {"-READONLY no\r\n", {"unavailable", "unavailable"}, "read_only_replica"},
      {"-ERR Error running script (call to f_0c): @user_script:9: @user_script: 9: -READONLY no\r\n",
       {"unavailable", "unavailable"},
       "read_only_replica"},
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
