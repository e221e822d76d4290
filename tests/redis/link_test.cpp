#include "redis/link.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/redis/test_link.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using base::ErrorCode;
using Word = redis::RedisState::Word;

namespace {

/// Of tests that wait for a deadline: long enough for a slow machine to answer within it.
constexpr auto kShort = 300ms;

const redis::RedisScript kIncrease("increase", "return redis.call('INCRBY', KEYS[1], ARGV[1])");

}  // namespace

TEST_CASE("redis: each kind of response") {
  const RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  CHECK(link.state() == redis::RedisState{Word::Ok});
  CHECK(link.ask({"SET", "k", std::string("a\0b\r\n", 5)}).text() == "OK");
  CHECK(link.ask({"GET", "k"}).text() == std::string("a\0b\r\n", 5));
  CHECK(link.ask({"GET", "nothing"}).result->is_nil());
  CHECK(link.ask({"INCR", "n"}).integer() == 1);
  CHECK(link.ask({"RPUSH", "l", "x", ""}).integer() == 2);
  const auto list = link.ask({"LRANGE", "l", "0", "-1"});
  REQUIRE(list.result);
  CHECK(list.result->items.size() == 2);
  CHECK(list.result->items.at(0).text == "x");
  CHECK(list.result->items.at(1).text.empty());
  CHECK(link.ask({"LRANGE", "nothing", "0", "-1"}).result->is_array());
  const auto nested = link.ask({"EVAL", "return {1, {'a', false}, redis.error_reply('ERR inside')}", "0"});
  REQUIRE(nested.result);
  CHECK(nested.result->items.at(1).items.at(1).is_nil());
  CHECK(nested.result->items.at(2).kind == redis::RedisReply::Kind::Error);
  CHECK(link.counts().commands == 8);
  CHECK(link.thread().on_loop([&] { return link.raw().latency(); }) > 0ns);
}

TEST_CASE("redis: error responses by their meaning") {
  const RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  link.ask({"SET", "text", "x"});
  const Reply wrong_type = link.ask({"LPUSH", "text", "y"});
  CHECK(wrong_type.is_error(ErrorCode::Malformed));
  CHECK(wrong_type.text().find("WRONGTYPE") != std::string::npos);
  const Reply unknown = link.ask({"NOSUCHTHING", "x"});
  CHECK(unknown.is_error(ErrorCode::Invalid));
  CHECK(unknown.text().find("unknown command") != std::string::npos);
  CHECK(link.counts().errors == 2);
  CHECK(link.is_up());
  CHECK(link.state().word == Word::Ok);
}

TEST_CASE("redis: pipelined responses come in order") {
  const RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  Replies replies;
  constexpr std::int64_t kCount = 5000;
  std::vector<std::unique_ptr<redis::RedisCall>> handles;
  link.thread().on_loop([&] {
    for (std::int64_t i = 0; i < kCount; ++i) {
      handles.push_back(link.raw().call({"INCR", "n"}, [&](auto result) { replies.add({std::move(result), {}}); }));
    }
  });
  const auto got = replies.wait_for(kCount);
  REQUIRE(got.size() == kCount);
  bool in_order = true;
  for (std::int64_t i = 0; i < kCount; ++i) in_order = in_order && got[static_cast<std::size_t>(i)].integer() == i + 1;
  CHECK(in_order);
  link.thread().on_loop([&] { handles.clear(); });
}

TEST_CASE("redis: down at first, up when it comes, down when it is killed, up again and empty") {
  RedisServer server;
  server.kill();
  TestLink link(settings_for(server));
  REQUIRE(link.wait_reason("refused"));
  CHECK_FALSE(link.is_up());
  const Reply refused = link.ask({"PING"});
  CHECK(refused.is_error(ErrorCode::Unavailable));
  CHECK(link.counts().refused == 1);
  server.start();
  REQUIRE(link.wait_up());
  CHECK(link.ask({"SET", "k", "v"}).text() == "OK");
  server.kill();
  REQUIRE(eventually([&] { return !link.is_up(); }));
  CHECK(link.state().word == Word::Degraded);
  server.start();
  REQUIRE(link.wait_up());
  CHECK(link.ask({"GET", "k"}).result->is_nil());
  CHECK(link.counts().connects == 2);
}

TEST_CASE("redis: a hung server costs each caller one deadline, and later callers none") {
  RedisServer server;
  TestLink link(settings_for(server, kShort));
  REQUIRE(link.wait_up());
  server.hang();
  Replies replies;
  for (int i = 0; i < 20; ++i) link.send({"GET", "k"}, replies);
  const auto got = replies.wait_for(20);
  REQUIRE(got.size() == 20);
  for (const Reply& reply : got) {
    CHECK((reply.is_error(ErrorCode::Timeout) || reply.is_error(ErrorCode::Unavailable)));
    CHECK(reply.took < kShort + 2s);  // on a busy machine; the fake loop's tests are exact
  }
  CHECK(got.front().is_error(ErrorCode::Timeout));
  CHECK(link.state().reason == "timeout");
  const Reply later = link.ask({"GET", "k"});
  CHECK(later.is_error(ErrorCode::Unavailable));
  CHECK(later.took < kShort);
  server.go_on();
  REQUIRE(link.wait_up());
  CHECK(link.ask({"SET", "k", "new"}).text() == "OK");
  CHECK(link.ask({"GET", "k"}).text() == "new");
}

TEST_CASE("redis: a hung server is noticed without traffic") {
  RedisServer server;
  TestLink link(settings_for(server, kShort));
  REQUIRE(link.wait_up());
  server.hang();
  REQUIRE(link.wait_reason("timeout"));
  CHECK(link.counts().commands == 0);
  CHECK(link.counts().timeouts == 0);
  server.go_on();
  CHECK(link.wait_up());
}

TEST_CASE("redis: name, password, database") {
  RedisServer server({"--requirepass", "s3cret word"});
  REQUIRE(server.command("ACL SETUSER proxy on >pr0xy ~* &* +@all", "AUTH \"s3cret word\"") == "+OK");
  conf::Redis redis = settings_for(server);

  SUBCASE("the password alone") {
    redis.password = "s3cret word";
    redis.db = 3;
    TestLink link(redis);
    REQUIRE(link.wait_up());
    CHECK(link.ask({"SET", "k", "v"}).text() == "OK");
    CHECK(link.ask({"MOVE", "k", "0"}).integer() == 1);  // so we were not in 0
    CHECK(link.ask({"CLIENT", "INFO"}).text().find(" db=3 ") != std::string::npos);
  }
  SUBCASE("an ACL user") {
    redis.user = "proxy";
    redis.password = "pr0xy";
    TestLink link(redis);
    REQUIRE(link.wait_up());
    CHECK(link.ask({"ACL", "WHOAMI"}).text() == "proxy");
  }
  SUBCASE("no password") {
    TestLink link(redis);
    CHECK(link.wait_reason("auth"));
  }
  SUBCASE("a wrong password, which is shown nowhere, until it is right") {
    redis.user = "proxy";
    redis.password = "wr0ngwr0ng";
    TestLink link(redis);
    REQUIRE(link.wait_reason("auth"));
    CHECK(link.state().detail.find("wr0ng") == std::string::npos);
    CHECK(link.ask({"PING"}).text().find("wr0ng") == std::string::npos);
    REQUIRE(server.command("ACL SETUSER proxy resetpass >wr0ngwr0ng", "AUTH \"s3cret word\"") == "+OK");
    CHECK(link.wait_up());
    CHECK(link.states().size() == 2);  // said once, however often it was tried
  }
  SUBCASE("a database that is not there") {
    redis.password = "s3cret word";
    redis.db = 99;
    TestLink link(redis);
    CHECK(link.wait_reason("select"));
  }
}

TEST_CASE("redis: a user removed under way") {
  RedisServer server;
  REQUIRE(server.command("ACL SETUSER proxy on >pr0xy ~* &* +@all") == "+OK");
  conf::Redis redis = settings_for(server);
  redis.user = "proxy";
  redis.password = "pr0xy";
  TestLink link(redis);
  REQUIRE(link.wait_up());
  REQUIRE(server.command("ACL DELUSER proxy") == ":1");
  CHECK(link.wait_reason("auth"));
}

TEST_CASE("redis: by unix socket and by name") {
  const RedisServer server;
  conf::Redis redis = settings_for(server);
  SUBCASE("unix socket") {
    redis.address = {};
    redis.socket_path = server.socket_path();
    TestLink link(redis);
    REQUIRE(link.wait_up());
    CHECK(link.ask({"CLIENT", "INFO"}).text().find(server.socket_path()) != std::string::npos);
  }
  SUBCASE("name") {
    redis.address.host = "localhost";
    TestLink link(redis);
    CHECK(link.wait_up());
  }
  SUBCASE("a socket that is not there") {
    redis.address = {};
    redis.socket_path = "/nowhere/redis.sock";
    TestLink link(redis);
    CHECK(link.wait_reason("io"));
    CHECK(link.state().detail.find("No such file") != std::string::npos);
  }
  SUBCASE("a name that is not there") {
    redis.address.host = "no-such-host.invalid";
    TestLink link(redis);
    CHECK(eventually([&] { return link.state().word == Word::Degraded; }));
    CHECK(link.state().detail.find("no-such-host.invalid") != std::string::npos);
  }
}

TEST_CASE("redis: a script is there whatever becomes of the server") {
  RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  CHECK(link.run(kIncrease, {"n"}, {"2"}).integer() == 2);
  CHECK(link.run(kIncrease, {"n"}, {"3"}).integer() == 5);
  REQUIRE(server.command("SCRIPT FLUSH") == "+OK");
  CHECK(link.run(kIncrease, {"n"}, {"1"}).integer() == 6);
  link.thread().on_loop([&] { link.raw().send(kIncrease, {"n"}, {"10"}); });
  CHECK(link.ask({"GET", "n"}).text() == "16");
  server.kill();
  REQUIRE(eventually([&] { return !link.is_up(); }));
  server.start();
  REQUIRE(link.wait_up());
  CHECK(server.command("SCRIPT EXISTS " + kIncrease.sha1()) == "*1");
  CHECK(link.ask({"SCRIPT", "EXISTS", kIncrease.sha1()}).result->items.at(0).integer == 1);
  CHECK(link.run(kIncrease, {"n"}, {"4"}).integer() == 4);
}

TEST_CASE("redis: the first use of a script is not put off: nobody may be there to repeat it") {
  const RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  link.thread().on_loop([&] {
    link.raw().send(kIncrease, {"n"}, {"10"});
    link.raw().send({"RENAME", "n", "m"});
  });
  CHECK(link.ask({"GET", "m"}).text() == "10");
  CHECK(link.counts().commands == 3);
}

TEST_CASE("redis: a script that fails, fails once") {
  RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  const redis::RedisScript wrong("wrong", "return redis.call('INCR', KEYS[1]) + nosuchthing()");
  CHECK(link.run(wrong, {"n"}, {}).is_error(ErrorCode::Invalid));
  CHECK(link.ask({"GET", "n"}).text() == "1");
  const redis::RedisScript lying("lying", "return redis.error_reply('NOSCRIPT not true')");
  CHECK(link.run(lying, {}, {}).is_error(ErrorCode::Invalid));
  CHECK(link.is_up());
}

TEST_CASE("redis: a replica is refused, and so is a master that becomes one") {
  RedisServer master;
  RedisServer other({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  TestLink replica(settings_for(other));
  CHECK(replica.wait_reason("read_only_replica"));
  TestLink link(settings_for(master));
  REQUIRE(link.wait_up());
  REQUIRE(other.command("REPLICAOF NO ONE") == "+OK");
  CHECK(replica.wait_up());
  REQUIRE(master.command("REPLICAOF 127.0.0.1 " + std::to_string(other.port())) == "+OK");
  // Redis closes the connections of a master it demotes; if it did not, a write would tell.
  eventually([&] { return !link.is_up() || !link.ask({"SET", "k", "v"}).result; });
  CHECK(link.wait_reason("read_only_replica"));
}

TEST_CASE("redis: a full memory refuses writes, and reads go on") {
  RedisServer server({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  const std::string large(200'000, 'x');
  Reply last;
  for (int i = 0; i < 50 && (i == 0 || last.result); ++i) last = link.ask({"SET", "k" + std::to_string(i), large});
  CHECK(last.is_error(ErrorCode::Unavailable));
  CHECK(link.state().word == Word::Degraded);
  CHECK(link.state().reason == "oom");
  CHECK(link.is_up());
  CHECK(link.ask({"GET", "k0"}).text() == large);
  const redis::RedisScript writes("writes", "return redis.call('SET', KEYS[1], ARGV[1])");
  CHECK(link.run(writes, {"s"}, {large}).is_error(ErrorCode::Unavailable));
  REQUIRE(server.command("CONFIG SET maxmemory 0") == "+OK");
  CHECK(link.ask({"SET", "k", "v"}).text() == "OK");
  CHECK(eventually([&] { return link.state().word == Word::Ok; }));
  CHECK(link.counts().connects == 1);
}

TEST_CASE("redis: who lets go of a call hears nothing, the others do") {
  RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  Replies dropped;
  Replies kept;
  link.thread().on_loop([&] {
    const auto handle = link.raw().call({"INCR", "n"}, [&](auto result) { dropped.add({std::move(result), {}}); });
  });
  link.send({"INCR", "n"}, kept);
  CHECK(kept.wait_for(1).at(0).integer() == 2);
  CHECK(dropped.count() == 0);
}

TEST_CASE("redis: the link goes with calls under way, then their handles") {
  RedisServer server;
  TestLink link(settings_for(server));
  REQUIRE(link.wait_up());
  server.hang();
  Replies replies;
  for (int i = 0; i < 100; ++i) link.send({"GET", "k"}, replies);
  link.destroy_link();
  link.destroy_handles();
  CHECK(replies.count() == 0);
}
