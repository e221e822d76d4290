#include "redis/hub.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/redis/test_link.h"
#include "tests/redis/test_listener.h"

using namespace holdfast;
using namespace holdfast::tests;
using redis::RedisHub;
using redis::RedisState;
using Texts = std::vector<std::string>;

namespace {

/// A hub with two users on a real server, with a loop in a thread of its own.
class TestHub {
 public:
  explicit TestHub(const conf::Redis& redis) {
    thread_.on_loop([&] {
      base::Random random(1);
      hub_ = std::make_unique<RedisHub>(thread_.loop(), thread_.context().dialer,
                                        std::make_unique<net::SystemResolver>(thread_.loop()), redis, random);
      hub_->subscribe({"a", "b"}, first);
      hub_->subscribe({"c"}, second);
      for (TestListener* one : {&first, &second}) {
        hub_->watch([one](const RedisState& state) {
          one->on_message("link", state.word == RedisState::Word::Ok ? "ok" : state.reason);
        });
      }
      hub_->start();
    });
  }
  ~TestHub() {
    thread_.on_loop([&] { hub_.reset(); });
  }
  TestHub(const TestHub&) = delete;
  TestHub& operator=(const TestHub&) = delete;

  TestListener first;
  TestListener second;
  void send(const std::string& channel, const std::string& text) {
    thread_.on_loop([&] { hub_->redis().send({"PUBLISH", channel, text}); });
  }

 private:
  LoopThread thread_;
  std::unique_ptr<RedisHub> hub_;
};

}  // namespace

TEST_CASE("redis hub: each user hears its own channels, all hear how the link is") {
  RedisServer server;
  TestHub hub(settings_for(server));
  for (TestListener* one : {&hub.first, &hub.second}) {
    REQUIRE(one->wait_for("subscribed"));
    REQUIRE(one->wait_for("link:ok"));
    one->take();
  }
  hub.send("a", "one");
  hub.send("c", "two");
  hub.send("b", "three");
  REQUIRE(hub.first.wait_for("b:three"));
  CHECK(hub.first.take() == Texts{"a:one", "b:three"});
  CHECK(hub.second.take() == Texts{"c:two"});
}

TEST_CASE("redis hub: all hear of a gap, and of its end") {
  RedisServer server;
  TestHub hub(settings_for(server));
  for (TestListener* one : {&hub.first, &hub.second}) {
    REQUIRE(one->wait_for("subscribed"));
    REQUIRE(one->wait_for("link:ok"));
    one->take();
  }
  server.kill();
  for (TestListener* one : {&hub.first, &hub.second}) {
    const auto is_told = [&](std::string_view what) {
      return one->wait_until([&](const Texts& received) {
        return std::any_of(received.begin(), received.end(), [&](const auto& text) { return text.starts_with(what); });
      });
    };
    CHECK(is_told("lost "));
    CHECK(is_told("link:"));
    one->take();
  }
  server.start();
  for (TestListener* one : {&hub.first, &hub.second}) {
    CHECK(one->wait_for("subscribed"));
    CHECK(one->wait_for("link:ok"));
  }
}
