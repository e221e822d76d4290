#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "redis/link.h"
#include "tests/redis/fake_server.h"

// What callers of a link may do and expect, on the fake loop.
using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using redis::RedisLink;

using Fixture = FakeRedisLink;
using Texts = std::vector<std::string>;

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
  f.link->send({"C"});
  CHECK(f.link->counts().refused == 3);
}

TEST_CASE("redis link: done may ask again, let go of itself and of others") {
  Fixture f;
  f.come_up();
  std::unique_ptr<redis::RedisCall> first;
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
  link = std::make_unique<RedisLink>(net.context, fake_settings(),
                                     [&](const redis::RedisState&) { net.loop.bury(std::move(link)); });
  net.loop.advance(1s);
  CHECK_FALSE(link);
  CHECK(net.server.open_count() == 0);
  CHECK(net.server.dials() == 1);
}

TEST_CASE("redis link: how much may be under way has a limit") {
  Fixture f;
  f.come_up();
  for (std::size_t i = 0; i < RedisLink::kOutstandingMax; ++i) f.link->send({"T"});
  CHECK(f.link->counts().refused == 0);
  f.call("A");
  f.link->send({"T"});
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
  for (int i = 0; i < 20; ++i) f.link->send({"SET", "k", large});
  CHECK(f.link->counts().refused >= 4);
  CHECK(f.link->counts().refused <= 5);
  const auto sent = f.link->counts().commands;
  f.redis.peer().unblocks();
  f.loop.run();
  CHECK(f.redis.take().size() > sent * large.size());
  f.link->send({"T"});
  CHECK(f.link->counts().commands == sent + 1);
}

TEST_CASE("redis link: a script that was forgotten is loaded again within the first deadline") {
  Fixture f;
  const redis::RedisScript script("s", "return 1");
  f.come_up();
  f.handles.push_back(f.link->run(script, {"k"}, {"a"}, [&](auto result) { f.note(result); }));
  const std::string load = "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n";
  const std::string first = f.redis.take();
  REQUIRE(first.starts_with(load));
  const std::string evalsha = first.substr(load.size());
  CHECK(evalsha.find("$40\r\n" + script.sha1() + "\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n") != std::string::npos);
  f.loop.advance(60ms);
  f.call("B");
  f.redis.peer().take();
  f.redis.peer().sends("$40\r\n" + script.sha1() + "\r\n-NOSCRIPT none\r\n");
  f.loop.run();
  CHECK(f.redis.take() == first);
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
  CHECK(f.link->state() == redis::RedisState{redis::RedisState::Word::Ok});
}

TEST_CASE("redis link: the environment's password is for a url without one") {
  conf::Redis redis;
  CHECK(redis::with_password(redis, nullptr).password.empty());
  CHECK(redis::with_password(redis, "env").password == "env");
  redis.password = "url";
  CHECK(redis::with_password(redis, "env").password == "url");
}
