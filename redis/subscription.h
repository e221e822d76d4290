#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis/connection.h"
#include "redis/redis.h"

namespace holdfast::redis {

/// The real subscription: a connection of its own, since one that has subscribed takes no other commands. Keeps it up
/// for ever, as RedisLink does, and by the same rules. On its loop's thread; its owner buries it when it may be on the
/// stack; the listener outlives it.
class RedisSubscription final : public base::Buried, private RedisConnection::Owner {
 public:
  /// `channels` must not be empty.
  RedisSubscription(const RedisContext& context, const conf::Redis& redis, std::vector<std::string> channels,
                    RedisListener& listener);
  ~RedisSubscription() override;

  /// All channels are subscribed.
  bool is_up() const { return is_subscribed_; }
  const RedisState& state() const { return state_; }

 private:
  void on_connection_up() override;
  void on_connection_reply(RedisReply reply) override;
  void on_connection_idle() override;
  void on_connection_down(const RedisState& why, const base::Error& error) override;
  void on_confirmed();
  void become(RedisState state);

  const std::vector<std::string> channels_;
  RedisListener& listener_;
  RedisState state_;
  std::size_t confirmed_ = 0;  // of channels_
  bool is_subscribed_ = false;
  bool is_pong_due_ = false;
  RedisConnection connection_;
};

}  // namespace holdfast::redis
