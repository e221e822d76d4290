#include "redis/hub.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::redis {

RedisHub::RedisHub(base::Scheduler& scheduler, net::Dialer& dialer, std::unique_ptr<net::Resolver> resolver,
                   const conf::Redis& redis, base::Random& random)
    : resolver_(std::move(resolver)),
      context_{scheduler, dialer, *resolver_, random.next()},
      settings_(redis),
      link_(RedisContext{scheduler, dialer, *resolver_, random.next()}, redis, [this](const RedisState& state) {
        for (const RedisLink::OnState& watcher : watchers_) watcher(state);
      }) {}

RedisHub::~RedisHub() = default;

void RedisHub::watch(RedisLink::OnState on_state) {
  base::check(!is_started_, "a hub is watched from its start");
  watchers_.push_back(std::move(on_state));
}

void RedisHub::subscribe(std::vector<std::string> channels, RedisListener& listener) {
  base::check(!is_started_, "a hub knows all its channels when it starts");
  subscribers_.push_back({std::move(channels), listener});
}

void RedisHub::start() {
  is_started_ = true;
  std::vector<std::string> all;
  for (const Subscriber& one : subscribers_) all.insert(all.end(), one.channels.begin(), one.channels.end());
  if (all.empty()) return;
  RedisListener& listener = *this;
  subscription_ = std::make_unique<RedisSubscription>(context_, settings_, std::move(all), listener);
}

void RedisHub::on_message(std::string_view channel, std::string_view payload) {
  for (const Subscriber& one : subscribers_) {
    if (std::ranges::find(one.channels, channel) != one.channels.end()) {
      return one.listener.on_message(channel, payload);
    }
  }
}

void RedisHub::on_subscribed() {
  for (const Subscriber& one : subscribers_) one.listener.on_subscribed();
}

void RedisHub::on_lost(const RedisState& state) {
  for (const Subscriber& one : subscribers_) one.listener.on_lost(state);
}

}  // namespace holdfast::redis
