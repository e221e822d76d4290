#include "redis/connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::redis {

RedisConnection::RedisConnection(const RedisContext& context, const conf::Redis& redis, Owner& owner)
    : context_(context),
      redis_(redis),
      owner_(owner),
      discovery_(context_.scheduler, context_.dialer, context_.resolver, redis_,
                 [this](base::Result<net::Address> found) { on_found(std::move(found)); }),
      random_(context.seed),
      timer_(context_.scheduler.timer([this] { on_due(); })),
      idle_timer_(context_.scheduler.timer([this] { on_idle_tick(); })),
      handshake_(redis_, scripts_) {}

RedisConnection::~RedisConnection() { drop(); }

void RedisConnection::start() {
  base::check(state_ == State::Resting && !timer_->is_set(), "a connection is started once");
  timer_->set(context_.scheduler.now());
}

// --- the way up ---

void RedisConnection::attempt() {
  state_ = State::Seeking;
  discovery_.seek();
}

void RedisConnection::on_found(base::Result<net::Address> found) {
  if (!found) {
    RedisState why = degraded_by(found.error());
    if (found.error().code == base::ErrorCode::Unavailable) why.reason = "sentinel";
    return fail(why, found.error());
  }
  state_ = State::Dialling;
  address_text_ = found->text();
  dial_ = context_.dialer.dial(*found, kGreetingPatience, [this](base::Result<std::unique_ptr<net::Stream>> dialled) {
    on_dialled(std::move(dialled));
  });
}

void RedisConnection::on_dialled(base::Result<std::unique_ptr<net::Stream>> dialled) {
  context_.scheduler.bury(std::move(dial_));  // it is on the stack
  if (!dialled) return fail(degraded_by(dialled.error()), dialled.error());
  wire_ = std::make_unique<RedisWire>(context_.scheduler, *std::move(dialled), static_cast<RedisWire::Owner&>(*this));
  state_ = State::Greeting;
  handshake_ = RedisHandshake(redis_, scripts_);
  timer_->set(context_.scheduler.now() + kGreetingPatience);
  for (const RedisHandshake::Command& command : handshake_.commands()) {
    const std::vector<std::string_view> words(command.begin(), command.end());
    wire_->send(words);
  }
}

void RedisConnection::on_greeting(const RedisReply& reply) {
  if (const auto bad = handshake_.judge(reply)) {
    return fail(*bad, {base::ErrorCode::Unavailable, "redis: " + bad->reason});
  }
  if (!handshake_.is_done()) return;
  state_ = State::Verifying;
  timer_->set(due_from_now());
  const std::string_view ping[] = {"PING"};
  wire_->send(ping);
}

void RedisConnection::on_verified(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::Error) {
    const auto reason = reason_of_error(reply.text);
    const RedisState why{RedisState::Word::Degraded, std::string(reason.empty() ? "server_error" : reason), reply.text};
    return fail(why, {base::ErrorCode::Unavailable, reply.text});
  }
  state_ = State::Up;
  timer_->cancel();
  up_since_ = last_sent_ = context_.scheduler.now();
  idle_timer_->set(last_sent_ + kPingInterval);
  owner_.on_connection_up();
}

// --- up ---

void RedisConnection::send(RedisWords words, base::Instant due, Kind kind) {
  base::check(is_up(), "commands are sent while up");
  wire_->send(words);
  sent_.push_back({due, kind});
  if (kind == Kind::Again) again_dues_.push_back(due);
  last_sent_ = context_.scheduler.now();
  watch();
}

void RedisConnection::answered() {
  base::check(!sent_.empty(), "a reply belongs to a command");
  if (sent_.front().kind == Kind::Again) again_dues_.pop_front();
  sent_.pop_front();
  watch();
}

void RedisConnection::watch() {
  if (sent_.empty()) return timer_->cancel();
  const base::Instant first = sent_.front().due;
  timer_->set(again_dues_.empty() ? first : std::min(first, again_dues_.front()));
}

void RedisConnection::on_idle_tick() {
  const base::Instant due = last_sent_ + kPingInterval;
  const base::Instant now = context_.scheduler.now();
  idle_timer_->set(due > now ? due : now + kPingInterval);
  // With responses outstanding their deadlines do the watching.
  if (due <= now && sent_.empty()) owner_.on_connection_idle();
}

void RedisConnection::on_wire_reply(RedisReply reply) {
  switch (state_) {
    case State::Greeting:
      return on_greeting(reply);
    case State::Verifying:
      return on_verified(reply);
    case State::Up:
      return owner_.on_connection_reply(std::move(reply));
    default:
      base::check(false, "a wire exists from the greeting on");
  }
}

// --- the way down ---

void RedisConnection::on_wire_broken(const base::Error& error) { fail(degraded_by(error), error); }

void RedisConnection::on_due() {
  if (state_ == State::Resting) return attempt();
  // It may be we who are late: what has come meanwhile counts, and sets the timer again.
  if (wire_) wire_->read_now();
  if (timer_->is_set() || (state_ == State::Up && sent_.empty())) return;
  const char* const what = state_ == State::Up ? "a command had no reply in time" : "the greeting had no reply in time";
  const base::Error error{base::ErrorCode::Timeout, what};
  fail(degraded_by(error), error);
}

void RedisConnection::fail(const RedisState& why, const base::Error& error) {
  drop();
  discovery_.distrust();
  rest(why);
  owner_.on_connection_down(why, error);
}

void RedisConnection::rest(const RedisState& why) {
  const base::Instant now = context_.scheduler.now();
  if (up_since_ != base::Instant{} && now - up_since_ >= kStableAfter) failures_ = 0;
  up_since_ = {};
  base::Duration pause = kPauseMax;
  if (!is_stubborn(why)) pause = std::min(kPauseMax, kPauseMin * (1 << std::min(failures_, 10u)));
  ++failures_;
  // Half of it is chance: the workers of all proxies do not come back in step.
  const auto half = static_cast<std::uint64_t>(pause.count()) / 2;
  pause = base::Duration{static_cast<std::int64_t>(half + random_.below(half))};
  timer_->set(now + pause);
}

void RedisConnection::drop() {
  state_ = State::Resting;
  discovery_.cancel();
  timer_->cancel();
  idle_timer_->cancel();
  dial_.reset();  // not on the stack: its own callback has buried it
  if (wire_) wire_->close();
  context_.scheduler.bury(std::move(wire_));
  sent_.clear();
  again_dues_.clear();
}

}  // namespace holdfast::redis
