#include "redis/subscription.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "redis/resp.h"

namespace holdfast::redis {

RedisSubscription::RedisSubscription(const RedisContext& context, const conf::Redis& redis,
                                     std::vector<std::string> channels, RedisListener& listener)
    : channels_(std::move(channels)), listener_(listener), connection_(context, redis, *this) {
  base::check(!channels_.empty(), "a subscription has channels");
  connection_.start();
}

RedisSubscription::~RedisSubscription() = default;

void RedisSubscription::on_connection_up() {
  std::vector<std::string_view> words{"SUBSCRIBE"};
  words.insert(words.end(), channels_.begin(), channels_.end());
  connection_.send(words, connection_.due_from_now());
}

void RedisSubscription::on_connection_idle() {
  const std::string_view ping[] = {"PING"};
  is_pong_due_ = true;
  connection_.send(ping, connection_.due_from_now());
}

void RedisSubscription::on_connection_reply(RedisReply reply) {
  // Arrays of texts, the first of which says what it is; a confirmation ends with a number.
  const auto& items = reply.items;
  const bool is_push = reply.is_array() && items.size() >= 2 && items[0].is_text() && items[1].is_text();
  if (is_push && items.size() == 3 && items[0].text == "message" && items[2].is_text()) {
    return listener_.on_message(items[1].text, items[2].text);
  }
  if (is_push && items.size() == 3 && items[0].text == "subscribe" && confirmed_ < channels_.size()) {
    return on_confirmed();
  }
  if (is_push && items[0].text == "pong" && is_pong_due_) {
    is_pong_due_ = false;
    return connection_.answered();
  }
  if (reply.kind == RedisReply::Kind::Error) {
    const auto reason = reason_of_error(reply.text);
    return connection_.give_up(
        {RedisState::Word::Degraded, std::string(reason.empty() ? "server_error" : reason), reply.text},
        error_of_reply(reply.text));
  }
  const base::Error error{base::ErrorCode::Malformed, "not a message for a subscriber"};
  connection_.give_up(degraded_by(error), error);
}

void RedisSubscription::on_confirmed() {
  if (++confirmed_ < channels_.size()) return;
  connection_.answered();
  is_subscribed_ = true;
  become({RedisState::Word::Ok});
  listener_.on_subscribed();
}

void RedisSubscription::on_connection_down(const RedisState& why, const base::Error&) {
  const bool was_known = state_.word == RedisState::Word::Degraded;
  confirmed_ = 0;
  is_subscribed_ = false;
  is_pong_due_ = false;
  become(why);
  if (!was_known) listener_.on_lost(state_);
}

void RedisSubscription::become(RedisState state) {
  if (state_.word == state.word && state_.reason == state.reason) return;
  state_ = std::move(state);
  if (state_.word == RedisState::Word::Ok) {
    base::log::info("redis_subscribed", {{"address", connection_.address_text()}});
  } else {
    base::log::warn("redis_unsubscribed", {{"reason", state_.reason}, {"detail", state_.detail}});
  }
}

}  // namespace holdfast::redis
