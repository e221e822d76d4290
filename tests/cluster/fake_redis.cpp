#include "tests/cluster/fake_redis.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace holdfast::tests {

namespace {

using redis::RedisReply;
using Kind = RedisReply::Kind;

RedisReply integer(std::int64_t value) { return {.kind = Kind::Integer, .integer = value}; }
RedisReply text(std::string value) { return {.kind = Kind::Text, .text = std::move(value)}; }

std::vector<std::string> strings(redis::RedisWords words) { return {words.begin(), words.end()}; }

}  // namespace

class FakeRedisLink::Handle final : public redis::RedisCall {
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

std::unique_ptr<FakeRedisLink> FakeRedis::link(redis::RedisListener* listener) {
  return std::make_unique<FakeRedisLink>(*this, listener);
}

void FakeRedis::down() {
  is_up_ = false;
  for (FakeRedisLink* link : links_) {
    if (link->on_state_) link->on_state_();
  }
}

void FakeRedis::up() {
  is_up_ = true;
  for (FakeRedisLink* link : links_) {
    if (link->on_state_) link->on_state_();
    if (link->listener_ != nullptr) link->listener_->on_subscribed();
  }
}

RedisReply FakeRedis::run(std::string_view script, const std::vector<std::string>& keys,
                          const std::vector<std::string>& args) {
  if (script == "cluster_pulse") return pulse(keys, args);
  if (script == "operator_put") return put(keys, args);
  base::check(script == "cluster_goodbye", "a script of the cluster");
  hashes[keys[0]].erase(args[0]);
  if (hashes[keys[1]]["id"] == args[0]) hashes[keys[1]]["until"] = "0";
  publish(args[2]);
  return integer(1);
}

RedisReply FakeRedis::pulse(const std::vector<std::string>& keys, const std::vector<std::string>& args) {
  ++pulses;
  const std::int64_t now = now_ms();
  const auto until = std::to_string(now + std::stoll(args[1]));
  hashes[keys[0]][args[0]] = until + " " + std::to_string(now) + " " + args[2];
  auto& lead = hashes[keys[1]];
  std::string leader = !lead["until"].empty() && std::stoll(lead["until"]) > now ? lead["id"] : "";
  std::int64_t fence = lead["fence"].empty() ? 0 : std::stoll(lead["fence"]);
  if (args[4] == "lead" && (leader.empty() || leader == args[0])) {
    if (leader.empty()) fence = std::max({fence, std::int64_t{std::stoll(args[3])}, now}) + 1;
    leader = args[0];
    lead = {{"id", leader}, {"until", until}, {"fence", std::to_string(fence)}};
  } else if (leader == args[0]) {
    lead["until"] = "0";
    leader.clear();
  }
  RedisReply out{.kind = Kind::Array,
                 .items = {integer(now), integer(fence), text(leader), integer(counters[keys[2]])}};
  for (const auto& [id, word] : hashes[keys[0]]) {
    if (std::stoll(word) <= now) continue;
    out.items.push_back(text(id));
    out.items.push_back(text(word));
  }
  return out;
}

RedisReply FakeRedis::put(const std::vector<std::string>& keys, const std::vector<std::string>& args) {
  auto order = nlohmann::json::parse(args[1]);
  std::string& held = hashes[keys[0]][args[0]];
  const std::int64_t old_at = held.empty() ? -1 : nlohmann::json::parse(held)["at"].get<std::int64_t>();
  if (args[2] == "now") {
    order["at"] = std::max(now_ms(), old_at + 1);
  } else if (old_at >= order["at"].get<std::int64_t>()) {
    return text(held);
  }
  held = order.dump();
  publish(args[4] + " " + std::to_string(++counters[keys[1]]));
  return text(held);
}

void FakeRedis::publish(const std::string& message) {
  loop_.post([this, message] {
    for (FakeRedisLink* link : links_) {
      if (link->is_up() && link->listener_ != nullptr) link->listener_->on_message("c", message);
    }
  });
}

FakeRedisLink::FakeRedisLink(FakeRedis& redis, redis::RedisListener* listener) : redis_(redis), listener_(listener) {
  redis_.links_.push_back(this);
}

FakeRedisLink::~FakeRedisLink() { std::erase(redis_.links_, this); }

std::unique_ptr<redis::RedisCall> FakeRedisLink::answer(base::Result<RedisReply> reply, Done done) {
  return std::make_unique<Handle>(redis_.loop_, std::move(reply), std::move(done));
}

std::unique_ptr<redis::RedisCall> FakeRedisLink::call(redis::RedisWords words, Done done) {
  if (!is_up()) return answer(base::Error{base::ErrorCode::Unavailable, "down"}, std::move(done));
  base::check(words[0] == "HGETALL", "a command this fake knows");
  RedisReply out{.kind = Kind::Array};
  for (const auto& [key, value] : redis_.hashes[std::string(words[1])]) {
    out.items.push_back(text(key));
    out.items.push_back(text(value));
  }
  return answer(std::move(out), std::move(done));
}

std::unique_ptr<redis::RedisCall> FakeRedisLink::run(const redis::RedisScript& script, redis::RedisWords keys,
                                                     redis::RedisWords args, Done done) {
  if (!is_up()) return answer(base::Error{base::ErrorCode::Unavailable, "down"}, std::move(done));
  return answer(redis_.run(script.name(), strings(keys), strings(args)), std::move(done));
}

void FakeRedisLink::tell(redis::RedisWords words) {
  base::check(words[0] == "PUBLISH", "a command this fake knows");
  if (is_up()) redis_.publish(std::string(words[2]));
}

void FakeRedisLink::tell(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) {
  if (is_up()) redis_.run(script.name(), strings(keys), strings(args));
}

const redis::RedisState& FakeRedisLink::state() const {
  static const redis::RedisState kOk{.word = redis::RedisState::Word::Ok};
  static const redis::RedisState kAway{.word = redis::RedisState::Word::Degraded, .reason = "refused"};
  return is_up() ? kOk : kAway;
}

void FakeRedisLink::cut() {
  is_reachable_ = false;
  if (on_state_) on_state_();
}

void FakeRedisLink::mend() {
  is_reachable_ = true;
  if (on_state_) on_state_();
  if (listener_ != nullptr) listener_->on_subscribed();
}

}  // namespace holdfast::tests
