#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/resolver.h"
#include "redis/link.h"
#include "redis/subscription.h"

namespace holdfast::redis {

/// The control loop's way to Redis, which all its parts share: one link for commands, one subscription for messages.
///
/// Whoever wants to hear something says so before start(): of channels, or how the link is. Nobody is called from
/// inside these functions, nor from the destructor, so users may go before the hub without a word. Owned by Server, on
/// the control loop. The workers' links for sessions are their own.
class RedisHub final : private RedisListener {
 public:
  RedisHub(base::Scheduler& scheduler, net::Dialer& dialer, std::unique_ptr<net::Resolver> resolver,
           const conf::Redis& redis, base::Random& random);
  ~RedisHub() override;

  /// The link. It connects from the start; what is sent before it is up fails as with any link.
  Redis& redis() { return link_; }
  const Redis& redis() const { return link_; }
  /// `on_state` hears each change of the link's state.
  void watch(RedisLink::OnState on_state);
  /// `listener` hears what comes on `channels`. A channel has one listener.
  void subscribe(std::vector<std::string> channels, RedisListener& listener);
  /// Subscribes. The list of channels is complete.
  void start();

 private:
  struct Subscriber {
    std::vector<std::string> channels;
    RedisListener& listener;
  };

  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const RedisState& state) override;

  const std::unique_ptr<net::Resolver> resolver_;
  const RedisContext context_;  // the subscription's
  const conf::Redis settings_;
  std::vector<RedisLink::OnState> watchers_;
  std::vector<Subscriber> subscribers_;
  bool is_started_ = false;
  RedisLink link_;
  std::unique_ptr<RedisSubscription> subscription_;  // since start(), if there are channels
};

}  // namespace holdfast::redis
