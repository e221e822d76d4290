#include <doctest/doctest.h>

#include <string>

#include "tests/redis/fake_server.h"
#include "tests/redis/test_link.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using redis::MasterDiscovery;
using redis::RedisConnection;
using support::RedisSentinel;

namespace {

conf::Redis settings_by(std::initializer_list<std::uint16_t> sentinels) {
  conf::Redis redis;
  redis.is_present = true;
  for (const std::uint16_t port : sentinels) redis.sentinels.push_back({"127.0.0.1", port});
  redis.master = "shop";
  redis.timeout = 5s;
  return redis;
}

std::uint16_t port_in(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

/// Sentinels on ports 1, 2, 3 of the fake network; the masters they name are at 6379 or above.
struct Fixture : FakeRedisNet {
  std::unique_ptr<redis::RedisLink> link;

  void begin() { link = std::make_unique<redis::RedisLink>(context, settings_by({1, 2, 3}), nullptr); }
  void names(std::uint16_t sentinel, std::uint16_t master) {
    sends(sentinel, "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n" + std::to_string(master) + "\r\n");
  }
  void sends(std::uint16_t sentinel, const std::string& bytes) {
    dialer.at(sentinel).on_bytes([bytes](FakePeer peer) {
      if (peer.take() == "*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$4\r\nshop\r\n") peer.sends(bytes);
    });
  }
};

}  // namespace

TEST_CASE("redis sentinel: the link follows a failover") {
  RedisServer master;
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  RedisSentinel sentinel(master);
  TestLink link(settings_by({port_in(sentinel.address())}));
  REQUIRE(link.wait_up());
  CHECK(link.ask({"SET", "k", "v"}).text() == "OK");
  REQUIRE(link.ask({"WAIT", "1", "0"}).integer() == 1);
  REQUIRE(eventually([&] { return sentinel.replicas() == 1; }));
  master.kill();
  REQUIRE(eventually([&] { return sentinel.master_port() == replica.port() && link.is_up(); }));
  CHECK(link.ask({"GET", "k"}).text() == "v");
  CHECK(link.ask({"SET", "k", "new"}).text() == "OK");
  CHECK(replica.command("GET k") == "$3");
  CHECK(link.counts().connects == 2);
}

TEST_CASE("redis sentinel: all gone, then the link stays up as long as its master does") {
  RedisServer master;
  auto sentinel = std::make_unique<RedisSentinel>(master);
  TestLink link(settings_by({port_in(sentinel->address())}));
  REQUIRE(link.wait_up());
  sentinel->kill();
  CHECK(link.ask({"PING"}).text() == "PONG");
  master.kill();
  REQUIRE(link.wait_reason("sentinel"));
  CHECK(link.state().detail.find("where shop is") != std::string::npos);
}

TEST_CASE("redis sentinel: each is asked in turn until one knows") {
  Fixture f;
  f.names(3, kRedisPort);
  base::Duration patience{};
  SUBCASE("the first refuse") {
    f.dialer.at(1).refuses();
    f.dialer.at(2).refuses();
  }
  SUBCASE("one does not know, one talks nonsense") {
    f.sends(1, "*-1\r\n");
    f.sends(2, "*2\r\n$1\r\nx\r\n$5\r\n99999\r\n");
  }
  SUBCASE("one says no, one speaks another language") {
    f.sends(1, "-NOAUTH Authentication required.\r\n");
    f.sends(2, "HTTP/1.1 400 Bad Request\r\n");
  }
  SUBCASE("one is silent, one closes") {
    patience = MasterDiscovery::kSentinelPatience;
    f.dialer.at(2).on_bytes([](FakePeer peer) { peer.closes(); });
  }
  SUBCASE("two hang") {
    patience = 2 * MasterDiscovery::kSentinelPatience;
    f.dialer.at(1).hangs();
    f.dialer.at(2).hangs();
  }
  f.begin();
  f.loop.advance(patience);
  CHECK(f.link->is_up());
  CHECK(f.dialer.at(1).open_count() + f.dialer.at(2).open_count() + f.dialer.at(3).open_count() == 0);
}

TEST_CASE("redis sentinel: when none knows, that is the reason, and it is tried again") {
  Fixture f;
  for (std::uint16_t port = 1; port <= 3; ++port) f.sends(port, "*-1\r\n");
  f.begin();
  f.loop.run();
  CHECK(f.link->state().reason == "sentinel");
  f.names(2, kRedisPort);
  f.loop.advance(RedisConnection::kPauseMin);
  CHECK(f.link->is_up());
}

TEST_CASE("redis sentinel: one that still names a demoted master is not believed, another is asked") {
  Fixture f;
  f.redis.role = "slave";
  FakeServer& real = f.dialer.at(6380);
  FakeRedis real_redis(real);
  f.names(1, kRedisPort);
  f.names(2, 6380);
  f.names(3, 6380);
  f.begin();
  f.loop.run();
  CHECK(f.link->state().reason == "read_only_replica");
  f.loop.advance(RedisConnection::kPauseMin);
  CHECK(f.link->is_up());
  CHECK(real.open_count() == 1);
  CHECK(f.dialer.at(1).dials() == 1);
}
