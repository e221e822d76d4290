#include "redis/subscription.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/redis/fake_server.h"
#include "tests/redis/test_link.h"
#include "tests/redis/test_listener.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using redis::RedisConnection;
using redis::RedisSubscription;

namespace {

/// On a real server, with a loop in a thread of its own.
class TestSubscription {
 public:
  explicit TestSubscription(const conf::Redis& redis) {
    thread_.on_loop([&] {
      subscription_ =
          std::make_unique<RedisSubscription>(thread_.context(), redis, std::vector<std::string>{"a", "b"}, listener);
    });
  }
  ~TestSubscription() {
    thread_.on_loop([&] { subscription_.reset(); });
  }
  TestSubscription(const TestSubscription&) = delete;
  TestSubscription& operator=(const TestSubscription&) = delete;
  TestListener listener;

 private:
  LoopThread thread_;
  std::unique_ptr<RedisSubscription> subscription_;
};

using Texts = std::vector<std::string>;

struct Fixture : FakeRedisNet {
  TestListener listener;
  std::unique_ptr<RedisSubscription> subscription =
      std::make_unique<RedisSubscription>(context, fake_settings(), Texts{"a", "b"}, listener);

  static constexpr std::string_view kConfirmA = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
  static constexpr std::string_view kConfirmB = "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n";
  void come_up() {
    loop.run();
    REQUIRE(redis.take() == "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n");
    redis.peer().sends(kConfirmA);
    loop.run();
    CHECK(listener.take().empty());
    redis.peer().sends(kConfirmB);
    loop.run();
    REQUIRE(listener.take() == Texts{"subscribed"});
  }
};

}  // namespace

TEST_CASE("redis subscription: messages of all channels, bytes and all") {
  RedisServer server;
  TestSubscription subscription(settings_for(server));
  REQUIRE(subscription.listener.wait_for("subscribed"));
  CHECK(server.command("PUBLISH a one") == ":1");
  CHECK(server.command("PUBLISH other no") == ":0");
  CHECK(server.command("PUBLISH b \"two\\r\\n\"") == ":1");
  REQUIRE(subscription.listener.wait_for("b:two\r\n"));
  CHECK(subscription.listener.take() == Texts{"subscribed", "a:one", "b:two\r\n"});
}

TEST_CASE("redis subscription: a gap has a beginning and an end") {
  RedisServer server;
  TestSubscription subscription(settings_for(server));
  REQUIRE(subscription.listener.wait_for("subscribed"));
  server.kill();
  REQUIRE(eventually([&] {
    const auto received = subscription.listener.take();
    return !received.empty() && received.back().starts_with("lost");
  }));
  server.start();
  REQUIRE(subscription.listener.wait_for("subscribed"));
  CHECK(server.command("PUBLISH a again") == ":1");
  REQUIRE(subscription.listener.wait_for("a:again"));
  CHECK(subscription.listener.take() == Texts{"subscribed", "a:again"});
}

TEST_CASE("redis subscription: a hung server is noticed without traffic, and left") {
  RedisServer server;
  TestSubscription subscription(settings_for(server, 300ms));
  REQUIRE(subscription.listener.wait_for("subscribed"));
  server.hang();
  REQUIRE(subscription.listener.wait_for("lost timeout"));
  subscription.listener.take();
  server.go_on();
  CHECK(subscription.listener.wait_for("subscribed"));
}

TEST_CASE("redis subscription: a quiet one stays, pinged") {
  RedisServer server;
  TestSubscription subscription(settings_for(server));
  REQUIRE(subscription.listener.wait_for("subscribed"));
  REQUIRE(
      eventually([&] { return server.text("INFO commandstats").find("cmdstat_ping:calls=3") != std::string::npos; }));
  CHECK(subscription.listener.take() == Texts{"subscribed"});
}

TEST_CASE("redis subscription: an unanswered SUBSCRIBE, an unanswered ping") {
  Fixture f;
  f.loop.run();
  SUBCASE("nothing") { f.loop.advance(99ms); }
  SUBCASE("half") {
    f.redis.peer().sends(Fixture::kConfirmA);
    f.loop.advance(99ms);
  }
  SUBCASE("all, but then no pong") {
    f.redis.peer().sends(std::string(Fixture::kConfirmA) + std::string(Fixture::kConfirmB));
    f.loop.advance(RedisConnection::kPingInterval);
    CHECK(f.listener.take() == Texts{"subscribed"});
    f.loop.advance(99ms);
  }
  CHECK(f.listener.take().empty());
  f.loop.advance(1ms);
  CHECK(f.listener.take() == Texts{"lost timeout"});
}

TEST_CASE("redis subscription: messages between ping and pong are messages") {
  Fixture f;
  f.come_up();
  f.redis.take();
  f.loop.advance(RedisConnection::kPingInterval);
  CHECK(f.redis.take() == FakeRedis::kPing);
  f.redis.peer().sends("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  f.loop.advance(500ms);
  CHECK(f.listener.take() == Texts{"a:"});
  CHECK(f.subscription->is_up());
}

TEST_CASE("redis subscription: hostile bytes end the connection, and nothing else") {
  const char* const rows[] = {"+OK\r\n",
                              ":1\r\n",
                              "*0\r\n",
                              "*1\r\n$7\r\nmessage\r\n",
                              "*2\r\n$7\r\nmessage\r\n:1\r\n",
                              "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n",
                              "*3\r\n:1\r\n:2\r\n:3\r\n",
                              "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:3\r\n",
                              "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
                              "-ERR what\r\n",
                              "garbage\r\n"};
  for (const char* const row : rows) {
    INFO(std::string(row));
    Fixture f;
    f.come_up();
    f.redis.peer().sends(row);
    f.loop.run();
    const auto received = f.listener.take();
    REQUIRE(received.size() == 1);
    CHECK(received[0].starts_with("lost "));
    CHECK(f.server.open_count() == 0);
    f.loop.advance(RedisConnection::kPauseMin);
    CHECK(f.redis.take().starts_with("*3\r\n$9\r\nSUBSCRIBE"));
  }
}

TEST_CASE("redis subscription: the first failure is told, its repetitions are not") {
  Fixture f;
  f.server.refuses();
  f.loop.advance(1min);
  CHECK(f.server.dials() > 20);
  CHECK(f.listener.take() == Texts{"lost refused"});
}

TEST_CASE("redis subscription: a flood of messages does not hold the loop") {
  Fixture f;
  f.come_up();
  std::string flood;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) flood += "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";
  std::size_t received_before_others = kCount;
  const auto other = f.loop.timer([&] { received_before_others = f.listener.take().size(); });
  f.redis.peer().sends(flood);
  other->set(f.loop.now());
  f.loop.run();
  CHECK(received_before_others < kCount / 2);
  CHECK(received_before_others + f.listener.take().size() == kCount);
}
