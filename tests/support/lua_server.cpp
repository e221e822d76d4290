#include "tests/support/lua_server.h"

#include <utility>

namespace holdfast::tests {

namespace {

using redis::RedisReply;

LuaRedis::Words strings(redis::RedisWords words) { return {words.begin(), words.end()}; }

}  // namespace

class LuaLink::Handle final : public redis::RedisCall {
 public:
  Handle(FakeLoop& loop, base::Result<RedisReply> reply, Done done) : reply_(std::move(reply)), done_(std::move(done)) {
    timer_ = loop.timer([this] { done_(std::move(reply_)); });
    timer_->set(loop.now() + std::chrono::milliseconds{1});
  }

 private:
  base::Result<RedisReply> reply_;
  Done done_;
  std::unique_ptr<base::Timer> timer_;
};

LuaServer::LuaServer(FakeLoop& loop)
    : loop_(loop),
      start_(loop.now()),
      redis_([this] { return 1'800'000'000'000 + offset_ms + base::count_ms(loop_.now() - start_); },
             [this](const std::string& channel, const std::string& message) { publish(channel, message); }) {}

std::unique_ptr<LuaLink> LuaServer::link(redis::RedisListener* listener) {
  return std::make_unique<LuaLink>(*this, listener);
}

void LuaServer::down() {
  is_up_ = false;
  for (LuaLink* link : links_) {
    if (link->on_state_) link->on_state_();
  }
}

void LuaServer::up() {
  is_up_ = true;
  for (LuaLink* link : links_) {
    if (link->on_state_) link->on_state_();
    if (link->listener_ != nullptr) link->listener_->on_subscribed();
  }
}

RedisReply LuaServer::run(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) {
  if (script.name() == "cluster_pulse") ++heartbeats;
  return redis_.run(script, strings(keys), strings(args));
}

void LuaServer::publish(const std::string& channel, const std::string& message) {
  loop_.post([this, channel, message] {
    for (LuaLink* link : links_) {
      if (link->is_up() && link->listener_ != nullptr) link->listener_->on_message(channel, message);
    }
  });
}

LuaLink::LuaLink(LuaServer& server, redis::RedisListener* listener) : server_(server), listener_(listener) {
  server_.links_.push_back(this);
}

LuaLink::~LuaLink() { std::erase(server_.links_, this); }

std::unique_ptr<redis::RedisCall> LuaLink::respond(base::Result<RedisReply> reply, Done done) {
  return std::make_unique<Handle>(server_.loop_, std::move(reply), std::move(done));
}

std::unique_ptr<redis::RedisCall> LuaLink::call(redis::RedisWords words, Done done) {
  if (!is_up()) return respond(base::Error{base::ErrorCode::Unavailable, "down"}, std::move(done));
  return respond(server_.redis_.command(strings(words)), std::move(done));
}

std::unique_ptr<redis::RedisCall> LuaLink::run(const redis::RedisScript& script, redis::RedisWords keys,
                                               redis::RedisWords args, Done done) {
  if (!is_up()) return respond(base::Error{base::ErrorCode::Unavailable, "down"}, std::move(done));
  return respond(server_.run(script, keys, args), std::move(done));
}

void LuaLink::send(redis::RedisWords words) {
  if (is_up()) server_.redis_.command(strings(words));
}

void LuaLink::send(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) {
  if (is_up()) server_.run(script, keys, args);
}

const redis::RedisState& LuaLink::state() const {
  static const redis::RedisState kOk{.word = redis::RedisState::Word::Ok};
  static const redis::RedisState kAway{.word = redis::RedisState::Word::Degraded, .reason = "refused"};
  return is_up() ? kOk : kAway;
}

void LuaLink::cut() {
  is_reachable_ = false;
  if (on_state_) on_state_();
}

void LuaLink::mend() {
  is_reachable_ = true;
  if (on_state_) on_state_();
  if (listener_ != nullptr) listener_->on_subscribed();
}

}  // namespace holdfast::tests
