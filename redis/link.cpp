#include "redis/link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "redis/resp.h"

namespace holdfast::redis {

/// What the caller holds. It and its slot know each other, until one of them goes or the response is there.
class RedisLink::Handle final : public RedisCall {
 public:
  explicit Handle(Done done) : done_(std::move(done)) {}
  ~Handle() override;

 private:
  friend class Slot;
  Done done_;
  Slot* slot_ = nullptr;
};

/// A place in one of the link's queues; empty when nobody waits.
class RedisLink::Slot {
 public:
  explicit Slot(Handle* handle) : handle_(handle) {
    if (handle_ != nullptr) handle_->slot_ = this;
  }
  Slot(Slot&& other) noexcept : Slot(std::exchange(other.handle_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  ~Slot() { leave(); }

  void finish(base::Result<RedisReply> result) {
    if (handle_ == nullptr) return;
    const Done done = std::move(handle_->done_);
    leave();
    done(std::move(result));  // may destroy the handle, and others
  }
  void forget() { handle_ = nullptr; }
  /// Hands the handle on to another place.
  Handle* take() {
    Handle* handle = handle_;
    leave();
    return handle;
  }

 private:
  void leave() {
    if (handle_ != nullptr) handle_->slot_ = nullptr;
    handle_ = nullptr;
  }
  Handle* handle_;
};

RedisLink::Handle::~Handle() {
  if (slot_ != nullptr) slot_->forget();
}

/// What is needed to run a script again on a server that does not know it.
struct RedisLink::Script {
  std::string source;
  std::vector<std::string> words;
  bool is_second_try = false;
};

struct RedisLink::Pending {
  enum class Purpose : std::uint8_t { Command, Upkeep };  ///< Upkeep: ours, not counted
  Slot slot;
  Purpose purpose;
  base::Instant sent;
  base::Instant due;
  std::unique_ptr<Script> script;  // null but for run()
};

RedisLink::RedisLink(const RedisContext& context, const conf::Redis& redis, OnState on_state, Logging logging)
    : scheduler_(context.scheduler),
      on_state_(std::move(on_state)),
      logging_(logging),
      refusal_timer_(scheduler_.timer([this] { on_refusals_due(); })),
      trouble_timer_(scheduler_.timer([this] { become({RedisState::Word::Ok}); })),
      connection_(context, redis, *this) {
  connection_.start();
}

RedisLink::~RedisLink() = default;

// --- callers ---

std::unique_ptr<RedisCall> RedisLink::call(RedisWords words, Done done) {
  return submit(words, std::move(done), nullptr);
}

std::unique_ptr<RedisCall> RedisLink::submit(RedisWords words, Done done, std::unique_ptr<Script> script) {
  base::check(done != nullptr, "a call has a callback; send() is for the others");
  auto handle = std::make_unique<Handle>(std::move(done));
  if (!is_up() || is_full()) {
    refuse(handle.get());
  } else {
    enqueue(words, handle.get(), std::move(script));
  }
  return handle;
}

void RedisLink::send(RedisWords words) {
  if (!is_up() || is_full()) return refuse(nullptr);
  enqueue(words, nullptr, nullptr);
}

namespace {

std::vector<std::string> evalsha_words(const RedisScript& script, RedisWords keys, RedisWords args) {
  std::vector<std::string> words{"EVALSHA", script.sha1(), std::to_string(keys.size())};
  words.reserve(3 + keys.size() + args.size());
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

std::vector<std::string_view> views_of(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

}  // namespace

// A new connection is given every script that was ever run here; there are as many as the program has. This one is
// given it ahead of its first use, which then needs no second try: a last word, said by a process that ends, has none.
void RedisLink::introduce(const RedisScript& script) {
  auto& known = connection_.scripts();
  if (std::ranges::any_of(known, [&](const RedisScript& other) { return other.sha1() == script.sha1(); })) return;
  known.push_back(script);
  if (!is_up() || is_full()) return;
  const base::Instant due = connection_.due_from_now();
  pending_.push_back({Slot(nullptr), Pending::Purpose::Upkeep, scheduler_.now(), due, nullptr});
  const std::string_view load[] = {"SCRIPT", "LOAD", script.source()};
  connection_.send(load, due);
}

std::unique_ptr<RedisCall> RedisLink::run(const RedisScript& script, RedisWords keys, RedisWords args, Done done) {
  introduce(script);
  auto kept = std::make_unique<Script>(Script{script.source(), evalsha_words(script, keys, args)});
  const auto words = views_of(kept->words);
  return submit(words, std::move(done), std::move(kept));
}

void RedisLink::send(const RedisScript& script, RedisWords keys, RedisWords args) {
  introduce(script);
  if (!is_up() || is_full()) return refuse(nullptr);
  auto kept = std::make_unique<Script>(Script{script.source(), evalsha_words(script, keys, args)});
  const auto words = views_of(kept->words);
  enqueue(words, nullptr, std::move(kept));
}

bool RedisLink::is_full() const {
  return pending_.size() >= kOutstandingMax || connection_.queued_bytes() >= kQueuedBytesMax;
}

void RedisLink::enqueue(RedisWords words, Handle* handle, std::unique_ptr<Script> script) {
  ++counts_.commands;
  const base::Instant due = connection_.due_from_now();
  pending_.push_back({Slot(handle), Pending::Purpose::Command, scheduler_.now(), due, std::move(script)});
  connection_.send(words, due);
}

void RedisLink::refuse(Handle* handle) {
  ++counts_.refused;
  if (handle == nullptr) return;
  refusals_.emplace_back(handle);
  if (!refusal_timer_->is_set()) refusal_timer_->set(scheduler_.now());
}

void RedisLink::on_refusals_due() {
  const base::Error down{base::ErrorCode::Unavailable, "redis is down: " + state_.reason};
  const base::Error full{base::ErrorCode::Overload, "too many commands wait for redis"};
  // Only those of now: whoever is told may ask again at once.
  for (std::size_t left = refusals_.size(); left > 0; --left) {
    Slot slot = std::move(refusals_.front());
    refusals_.pop_front();
    slot.finish(is_up() ? full : down);
  }
}

// --- the connection ---

void RedisLink::on_connection_up() {
  ++counts_.connects;
  become({RedisState::Word::Ok});
}

void RedisLink::on_connection_idle() {
  const base::Instant due = connection_.due_from_now();
  pending_.push_back({Slot(nullptr), Pending::Purpose::Upkeep, scheduler_.now(), due, nullptr});
  const std::string_view ping[] = {"PING"};
  connection_.send(ping, due);
}

void RedisLink::on_connection_reply(RedisReply reply) {
  if (pending_.empty()) {
    const base::Error error{base::ErrorCode::Malformed, "a reply to no command"};
    return connection_.give_up(degraded_by(error), error);
  }
  Pending pending = std::move(pending_.front());
  pending_.pop_front();
  connection_.answered();
  note_latency(scheduler_.now() - pending.sent);
  if (!run_again(pending, reply)) settle(std::move(pending), std::move(reply));
}

bool RedisLink::run_again(Pending& pending, const RedisReply& reply) {
  if (!pending.script || pending.script->is_second_try) return false;
  if (reply.kind != RedisReply::Kind::Error || error_word(reply.text) != "NOSCRIPT") return false;
  pending.script->is_second_try = true;
  const std::string_view load[] = {"SCRIPT", "LOAD", pending.script->source};
  pending_.push_back({Slot(nullptr), Pending::Purpose::Upkeep, scheduler_.now(), pending.due, nullptr});
  connection_.send_again(load, pending.due);
  const auto words = views_of(pending.script->words);
  const base::Instant due = pending.due;
  pending.sent = scheduler_.now();
  pending_.push_back(std::move(pending));
  connection_.send_again(words, due);
  return true;
}

namespace {

/// The whole server cannot serve us any more, not only this command.
bool takes_link_down(std::string_view reason) {
  return reason == kReasonReadOnly || reason == "loading" || reason == "master_down" || reason == kReasonAuth;
}

}  // namespace

void RedisLink::settle(Pending pending, RedisReply reply) {
  if (reply.kind != RedisReply::Kind::Error) return pending.slot.finish(std::move(reply));
  if (pending.purpose == Pending::Purpose::Command) ++counts_.errors;
  const auto error = error_of_reply(reply.text);
  const auto reason = reason_of_error(reply.text);
  if (takes_link_down(reason)) {
    connection_.give_up({RedisState::Word::Degraded, std::string(reason), reply.text}, error);
  } else {
    note_trouble(reply.text);
  }
  pending.slot.finish(error);
}

void RedisLink::on_connection_down(const RedisState& why, const base::Error& error) {
  std::deque<Pending> lost = std::exchange(pending_, {});
  trouble_timer_->cancel();
  become(why);
  for (Pending& pending : lost) {
    if (pending.purpose == Pending::Purpose::Command) {
      ++(error.code == base::ErrorCode::Timeout ? counts_.timeouts : counts_.lost);
    }
    pending.slot.finish(error);
  }
}

// --- what is told ---

void RedisLink::note_latency(base::Duration took) {
  constexpr int kWeight = 8;  // of the past, as TCP smooths its round trips (RFC 6298 section 2)
  latency_ = latency_ == base::Duration::zero() ? took : latency_ + (took - latency_) / kWeight;
}

/// Reads still work on a server that refuses writes, so the link stays up, and says degraded until writes have gone
/// well for a while (or nobody has written: nothing else can be known).
void RedisLink::note_trouble(std::string_view error_text) {
  const auto reason = reason_of_error(error_text);
  if (reason != "oom" && reason != "misconf" && reason != "no_replicas") return;
  trouble_timer_->set(scheduler_.now() + kTroubleHold);
  become({RedisState::Word::Degraded, std::string(reason), std::string(error_text)});
}

void RedisLink::become(RedisState state) {
  if (state_.word == state.word && state_.reason == state.reason) return;
  state_ = std::move(state);
  log_state();
  if (on_state_) on_state_(state_);
}

void RedisLink::log_state() const {
  if (logging_ == Logging::Off) return;
  if (state_.word == RedisState::Word::Ok) {
    base::log::info("redis_up", {{"address", connection_.address_text()}});
  } else {
    base::log::warn(is_up() ? "redis_degraded" : "redis_down", {{"reason", state_.reason}, {"detail", state_.detail}});
  }
}

conf::Redis with_password(conf::Redis redis, const char* from_environment) {
  if (redis.password.empty() && from_environment != nullptr) redis.password = from_environment;
  return redis;
}

}  // namespace holdfast::redis
