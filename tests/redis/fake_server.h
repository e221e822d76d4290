#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/link.h"
#include "tests/support/fake_loop.h"
#include "tests/support/fake_net.h"

/// A Redis link on the fake loop, with a server of a few lines: for exact times and for bytes no real server sends.
namespace holdfast::tests {

constexpr std::uint16_t kRedisPort = 6379;

/// Answers on the next turn: every name is 127.0.0.1, at the port asked for.
class FakeResolver final : public net::Resolver {
 public:
  explicit FakeResolver(FakeLoop& loop) : loop_(loop) {}
  std::unique_ptr<net::Lookup> lookup(const conf::Endpoint& endpoint, base::Duration, Done done) override {
    return std::make_unique<FakeLookup>(loop_, endpoint, std::move(done));
  }

 private:
  class FakeLookup final : public net::Lookup {
   public:
    FakeLookup(FakeLoop& loop, const conf::Endpoint& endpoint, Done done)
        : timer_(loop.timer([port = endpoint.port, done = std::move(done)] { done(fake_address(port)); })) {
      timer_->set(loop.now());
    }

   private:
    std::unique_ptr<base::Timer> timer_;
  };
  FakeLoop& loop_;
};

/// Greets as a master does; what comes after the greeting stays in the peer's received().
class FakeRedis {
 public:
  explicit FakeRedis(FakeServer& server) : server_(server) {
    server.on_bytes([this](const FakePeer& peer) { react(peer); });
  }
  std::string role = "master";
  bool verifies = true;  ///< Answers the PING of the greeting.

  FakePeer& peer() { return server_.last(); }
  /// What came since the greeting, and forgets it.
  std::string take() { return server_.last().take(); }

  static constexpr std::string_view kRole = "*1\r\n$4\r\nROLE\r\n";
  static constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";

 private:
  void react(FakePeer peer) {
    const std::string& got = peer.received();
    if (got.starts_with(kRole)) {
      peer.take();
      peer.sends("*3\r\n$" + std::to_string(role.size()) + "\r\n" + role + "\r\n:0\r\n*0\r\n");
    } else if (got == kPing && greeted_ != server_.peers().size() && verifies) {
      greeted_ = server_.peers().size();
      peer.take();
      peer.sends("+PONG\r\n");
    }
  }
  FakeServer& server_;
  std::size_t greeted_ = 0;  // how many peers there were when the last was greeted
};

inline conf::Redis fake_settings() {
  conf::Redis redis;
  redis.is_present = true;
  redis.address = {"redis", kRedisPort};
  return redis;
}

struct FakeRedisNet {
  FakeLoop loop;
  FakeDialer dialer{loop};
  FakeResolver resolver{loop};
  FakeServer& server = dialer.at(kRedisPort);
  FakeRedis redis{server};
  redis::RedisContext context{loop, dialer, resolver, 1};
};

/// A link there, and what its calls came to.
struct FakeRedisLink : FakeRedisNet {
  std::vector<std::string> results;  ///< In the order they came: a text, a number, or the name of an error.
  std::vector<std::unique_ptr<redis::RedisCall>> handles;
  std::vector<redis::RedisState> states;
  std::unique_ptr<redis::RedisLink> link = std::make_unique<redis::RedisLink>(
      context, fake_settings(), [this](const auto& state) { states.push_back(state); });

  void note(const base::Result<redis::RedisReply>& result) {
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

}  // namespace holdfast::tests
