#include "sessions/redis_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sessions/redis_scripts.h"

namespace holdfast::sessions {

namespace {

constexpr base::Duration kPublishUsesAfter = std::chrono::seconds{1};  // uses gather so long
constexpr std::size_t kUsesMax = 100'000;                              // waiting to be told
constexpr std::size_t kUsesAtOnce = 500;  // in one script: Redis does nothing else meanwhile
constexpr std::size_t kEndsAtOnce = 200;
// A place is given back sooner, but by a proxy that dies: longer than apps take for the response that begins a session.
constexpr base::Duration kReservationLasts = std::chrono::minutes{2};
constexpr base::Duration kFullFor = std::chrono::milliseconds{100};  // a crowd at the door costs Redis little
constexpr base::Duration kPublishEndsAfter = std::chrono::milliseconds{200};

std::string text_of(Generation generation) { return std::to_string(static_cast<std::uint32_t>(generation)); }

}  // namespace

std::string kept_ms(base::Duration idle_timeout) {
  return std::to_string(base::count_ms(idle_timeout + idle_timeout / 32) + 1);
}

/// A question under way: what Redis answers is adopted; where it does not answer, the copies decide.
class RedisStore::Pending final : public Question {
 public:
  enum class Kind : std::uint8_t { Bind, Move };

  Pending(RedisStore& store, Kind kind, const Key& key, const Binding& known, BackendTag to, StoreHandler& handler)
      : store_(store),
        handler_(handler),
        stamp_(store.copies_.stamp_of(key)),
        key_(key),
        known_(known),
        to_(to),
        kind_(kind) {}

  void ask(const redis::RedisScript& script, redis::Redis::List keys, redis::Redis::List args) {
    call_ = store_.redis_.run(script, keys, args,
                              [this](const base::Result<redis::RedisReply>& reply) { on_reply(reply); });
  }

 private:
  void on_reply(const base::Result<redis::RedisReply>& reply) {
    const base::Instant now = store_.scheduler_.now();
    const auto agreed = reply ? parse_bind_result(*reply) : std::nullopt;
    if (!agreed) return handler_.on_binding(decide_alone(now));
    const Binding holds = store_.copies_.adopt(key_, *agreed, stamp_, now);
    handler_.on_binding({holds, agreed->is_ours && holds == *agreed});  // may destroy this: nothing after this line
  }

  BindResult decide_alone(base::Instant now) const {
    MemoryStore& copies = store_.copies_;
    const BindResult holds = kind_ == Kind::Bind ? copies.bind(key_, known_, now) : copies.move(key_, known_, to_, now);
    copies.invalidate(key_);
    return holds;
  }

  RedisStore& store_;
  StoreHandler& handler_;
  const MemoryStore::ReadStamp stamp_;
  const Key key_;
  const Binding known_;  // Bind: what is wanted. Move: what was seen.
  const BackendTag to_;
  const Kind kind_;
  std::unique_ptr<redis::RedisCall> call_;
};

/// What the handler of an end holds.
class RedisStore::EndWait final : public Question {
 public:
  explicit EndWait(StoreHandler& handler) : handler_(handler) {}
  ~EndWait() override;

 private:
  friend class End;
  StoreHandler& handler_;
  End* end_ = nullptr;  // null: it is over
};

/// An end under way to Redis and to the other proxies. The store owns it: it is not given up because somebody has
/// stopped waiting.
class RedisStore::End final : public base::Buried {
 public:
  End(RedisStore& store, std::uint64_t number, Untold what, EndWait* wait)
      : store_(store), number_(number), what_(std::move(what)), wait_(wait) {
    if (wait_ == nullptr) return;
    wait_->end_ = this;
    acks_ = store_.acks_.wait([this](Acked) { finish(); });
  }

  void send(Ending ending) {
    const RedisNames& names = store_.options_.names;
    call_ = store_.redis_.run(
        scripts::end(), {names.session(what_.pool, what_.key), names.subscribers()},
        {names.base_of(what_.pool), id_text(what_.key), store_.idle_ms_, names.news(),
         ending == Ending::Mark ? "mark" : "forget", text_of(what_.known), acks_ ? acks_->address() : std::string()},
        [this](const base::Result<redis::RedisReply>& reply) { on_reply(reply); });
  }
  void forget_wait() { wait_ = nullptr; }

 private:
  void on_reply(const base::Result<redis::RedisReply>& reply) {
    if (!reply) {
      // It may have happened or not. Said again as a mark it does no harm.
      store_.keep_untold(std::move(what_));
    } else if (acks_ && reply->is_array() && reply->items.size() == 2) {
      return acks_->expect(reply->items[1]);
    }
    finish();
  }
  void finish() {
    EndWait* wait = std::exchange(wait_, nullptr);
    acks_.reset();
    store_.on_end_done(number_);  // buries this
    if (wait == nullptr) return;
    wait->end_ = nullptr;
    wait->handler_.on_ended();
  }

  RedisStore& store_;
  const std::uint64_t number_;
  Untold what_;
  EndWait* wait_;
  std::unique_ptr<Acks::Wait> acks_;
  std::unique_ptr<redis::RedisCall> call_;
};

RedisStore::EndWait::~EndWait() {
  if (end_ != nullptr) end_->forget_wait();
}

/// Gives the place back behind all that was asked for before: the session that took it counts by then. (A script that
/// Redis had forgotten runs later: then the place lapses by itself.)
class RedisStore::SharedReservation final : public Reservation {
 public:
  SharedReservation(RedisStore& store, std::string_view pool, BackendTag backend)
      : store_(store),
        base_(store.options_.names.base_of(pool)),
        tag_(tag_text(backend)),
        name_(fmt::format("{}:{}", store.copy_lease_.self(), store.slots_.next_number())) {}
  ~SharedReservation() override {
    if (may_be_taken_) store_.redis_.send(scripts::give_back(), {}, {base_, name_, tag_});
  }

  const std::string& name() const { return name_; }
  void was_not_taken() { may_be_taken_ = false; }

 private:
  RedisStore& store_;
  const std::string base_;
  const std::string tag_;
  const std::string name_;
  bool may_be_taken_ = true;
};

/// An admission that is asked for. Where Redis does not answer, this process's own places are what there is.
class RedisStore::Admitting final : public Question {
 public:
  Admitting(RedisStore& store, const AdmissionRequest& request, StoreHandler& handler)
      : store_(store),
        handler_(handler),
        backend_(request.backend),
        limits_(request.limits),
        is_shown_(request.key != nullptr),
        reservation_(std::make_unique<SharedReservation>(store, request.pool, backend_)) {}

  void ask(const AdmissionRequest& request) {
    const RedisNames& names = store_.options_.names;
    const Key key = request.key != nullptr ? *request.key : Key{};
    std::vector<std::string> words{names.base_of(request.pool),
                                   reservation_->name(),
                                   std::to_string(base::count_ms(kReservationLasts)),
                                   request.key != nullptr ? names.session(request.pool, key) : std::string(),
                                   std::to_string(limits_->sessions_max),
                                   tag_text(backend_)};
    words.reserve(words.size() + 2 * limits_->backends.size());
    for (const SessionLimits::Of& one : limits_->backends) {
      words.push_back(tag_text(one.backend));
      words.push_back(std::to_string(one.sessions_max));
    }
    const std::vector<std::string_view> args(words.begin(), words.end());
    call_ = store_.redis_.run(scripts::reserve_slot(), redis::RedisWords{}, args,
                              [this](const base::Result<redis::RedisReply>& reply) { on_reply(reply); });
  }

 private:
  void on_reply(const base::Result<redis::RedisReply>& reply) {
    using Outcome = Admission::Outcome;
    auto admission = reply ? parse_admission(*reply) : std::nullopt;
    if (!reply && reply.error().code == base::ErrorCode::Overload) {
      // Redis is there, and has more to do than it can: a flood does not lift the limit.
      admission = Admission{is_shown_ ? Outcome::IsIn : Outcome::PoolFull, nullptr, {}};
    } else if (!admission) {
      admission = store_.slots_.take(*limits_, backend_);
    } else if (admission->outcome == Outcome::Admitted) {
      admission->reservation = std::move(reservation_);
    } else {
      reservation_->was_not_taken();
      if (admission->outcome == Outcome::PoolFull) {
        store_.full_ = limits_;
        store_.full_until_ = store_.scheduler_.now() + kFullFor;
      }
    }
    handler_.on_admission(std::move(*admission));  // may destroy this: nothing after this line
  }

  RedisStore& store_;
  StoreHandler& handler_;
  const BackendTag backend_;
  const std::shared_ptr<const SessionLimits> limits_;
  const bool is_shown_;
  std::unique_ptr<SharedReservation> reservation_;
  std::unique_ptr<redis::RedisCall> call_;
};

RedisStore::RedisStore(MemoryStore& copies, SessionSlots& slots, CopyLease& copy_lease, redis::Redis& redis,
                       base::Scheduler& scheduler, Options options)
    : copies_(copies),
      slots_(slots),
      copy_lease_(copy_lease),
      redis_(redis),
      scheduler_(scheduler),
      options_(std::move(options)),
      acks_(copy_lease, scheduler, options_.patience),
      idle_ms_(kept_ms(options_.idle_timeout)),
      publish_uses_timer_(scheduler.timer([this] { publish_uses(); })),
      publish_ends_timer_(scheduler.timer([this] { publish_ends(); })) {}

RedisStore::~RedisStore() = default;

std::optional<LookupResult> RedisStore::find(std::string_view pool, const Key& key, base::Instant now) {
  auto found = copies_.find(key, now);
  if (!found) return found;
  if (found->use_is_news) note_use(pool, key);
  if (!redis_.is_up()) {
    found->is_sure = true;  // there is nobody to ask
  } else if (!copy_lease_.is_valid(now)) {
    found->is_sure = false;
  }
  return found;
}

AskedAdmission RedisStore::admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) {
  if (request.key == nullptr && request.limits == full_ && now < full_until_) {
    return {.now = {Admission::Outcome::PoolFull, nullptr, {}}, .later = nullptr};
  }
  if (!redis_.is_up()) return {.now = slots_.take(*request.limits, request.backend), .later = nullptr};
  auto admitting = std::make_unique<Admitting>(*this, request, handler);
  admitting->ask(request);
  return {.now = {}, .later = std::move(admitting)};
}

Asked RedisStore::bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
                       StoreHandler& handler) {
  const Binding first{wanted.backend, std::max(wanted.generation, Generation{1})};
  if (!redis_.is_up()) {
    const BindResult holds = copies_.bind(key, first, now);
    copies_.invalidate(key);
    return {.now = holds, .later = nullptr};
  }
  auto pending = std::make_unique<Pending>(*this, Pending::Kind::Bind, key, first, BackendTag::None, handler);
  pending->ask(scripts::bind(), {options_.names.session(pool, key)},
               {options_.names.base_of(pool), id_text(key), text_of(first.generation), tag_text(first.backend),
                idle_ms_, options_.names.news(), "0"});
  return {.now = {}, .later = std::move(pending)};
}

BindResult RedisStore::begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) {
  if (const auto found = copies_.find(key, now); found && found->is_sure) {
    return {found->binding, false};
  }
  const BindResult holds = copies_.bind(key, {to, Generation::None}, now);
  if (redis_.is_up()) {
    offer(pool, key, holds);
  } else {
    copies_.invalidate(key);
  }
  return holds;
}

Asked RedisStore::move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
                       StoreHandler& handler) {
  if (!redis_.is_up()) {
    const BindResult holds = copies_.move(key, seen, to, now);
    copies_.invalidate(key);
    return {.now = holds, .later = nullptr};
  }
  auto pending = std::make_unique<Pending>(*this, Pending::Kind::Move, key, seen, to, handler);
  pending->ask(scripts::move(), {options_.names.session(pool, key)},
               {options_.names.base_of(pool), id_text(key), text_of(seen.generation), tag_text(seen.backend),
                tag_text(to), idle_ms_, options_.names.news()});
  return {.now = {}, .later = std::move(pending)};
}

void RedisStore::cookie_issued(const Key& key, base::Instant now) { copies_.cookie_issued(key, now); }

std::unique_ptr<Question> RedisStore::end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                          StoreHandler& handler) {
  const auto found = copies_.find(key, now);
  Untold what{std::string(pool), key, found ? found->binding.generation : Generation::None, now};
  if (ending == Ending::Mark) {
    copies_.mark_ended(key, now);
  } else {
    copies_.end(key);
  }
  if (!redis_.is_up()) {
    keep_untold(std::move(what));
    return nullptr;
  }
  auto wait = std::make_unique<EndWait>(handler);
  send_end(std::move(what), ending, wait.get());
  return wait;
}

void RedisStore::send_end(Untold what, Ending ending, EndWait* wait) {
  const std::uint64_t number = ++last_end_;
  auto end = std::make_unique<End>(*this, number, std::move(what), wait);
  end->send(ending);
  ends_.emplace(number, std::move(end));
}

void RedisStore::on_end_done(std::uint64_t number) {
  const auto at = ends_.find(number);
  scheduler_.bury(std::move(at->second));
  ends_.erase(at);
}

void RedisStore::keep_untold(Untold what) {
  if (untold_.size() >= kUntoldMax) untold_.pop_front();
  untold_.push_back(std::move(what));
  if (!publish_ends_timer_->is_set()) publish_ends_timer_->set(scheduler_.now() + kPublishEndsAfter);
}

/// Redis is back, perhaps: what was ended meanwhile is ended there, with the next generation, and stays marked as long
/// as a copy elsewhere or a cookie could bring it back.
void RedisStore::publish_ends() {
  if (redis_.is_up()) {
    const base::Instant now = scheduler_.now();
    for (std::size_t i = 0; i < kEndsAtOnce && !untold_.empty(); ++i) {
      Untold what = std::move(untold_.front());
      untold_.pop_front();
      if (now - what.ended <= options_.idle_timeout * 3 / 2) send_end(std::move(what), Ending::Mark, nullptr);
    }
  }
  if (!untold_.empty()) publish_ends_timer_->set(scheduler_.now() + kPublishEndsAfter);
}

/// Redis shall know a binding that this process has made already.
void RedisStore::offer(std::string_view pool, const Key& key, const Binding& binding) {
  const std::uint64_t number = ++last_offer_;
  const MemoryStore::ReadStamp stamp = copies_.stamp_of(key);
  const std::string session = options_.names.session(pool, key);
  const std::string base = options_.names.base_of(pool);
  const std::string id = id_text(key);
  const std::string generation = text_of(binding.generation);
  const std::string tag = tag_text(binding.backend);
  const std::string news = options_.names.news();
  const std::string_view keys[] = {session};
  const std::string_view args[] = {base, id, generation, tag, idle_ms_, news, "0"};
  offers_.emplace(number, redis_.run(scripts::bind(), keys, args,
                                     [this, number, key, stamp](const base::Result<redis::RedisReply>& reply) {
                                       on_offered(number, key, stamp, reply);
                                     }));
}

void RedisStore::on_offered(std::uint64_t number, const Key& key, const MemoryStore::ReadStamp& stamp,
                            const base::Result<redis::RedisReply>& reply) {
  const auto agreed = reply ? parse_bind_result(*reply) : std::nullopt;
  if (agreed) {
    copies_.adopt(key, *agreed, stamp, scheduler_.now());
  } else {
    copies_.invalidate(key);
  }
  offers_.erase(number);  // destroys what holds this call's closure: last
}

void RedisStore::note_use(std::string_view pool, const Key& key) {
  if (uses_waiting_ >= kUsesMax) {
    ++uses_dropped_;
    return;
  }
  auto at = std::find_if(uses_.begin(), uses_.end(), [&](const Uses& uses) { return uses.pool == pool; });
  if (at == uses_.end()) at = uses_.insert(uses_.end(), {std::string(pool), {}});
  at->ids.push_back(id_text(key));
  if (uses_waiting_++ == 0) publish_uses_timer_->set(scheduler_.now() + kPublishUsesAfter);
}

void RedisStore::publish_uses() {
  if (!redis_.is_up()) return publish_uses_timer_->set(scheduler_.now() + kPublishUsesAfter);
  for (Uses& uses : uses_) {
    const std::string base = options_.names.base_of(uses.pool);
    for (std::size_t from = 0; from < uses.ids.size(); from += kUsesAtOnce) {
      const std::size_t count = std::min(kUsesAtOnce, uses.ids.size() - from);
      std::vector<std::string_view> args{base, idle_ms_};
      args.insert(args.end(), uses.ids.begin() + static_cast<std::ptrdiff_t>(from),
                  uses.ids.begin() + static_cast<std::ptrdiff_t>(from + count));
      // The script finds its keys by their base: they all have the pool's hash tag.
      redis_.send(scripts::touch(), redis::RedisWords{}, args);
    }
    uses.ids.clear();
  }
  uses_waiting_ = 0;
}

}  // namespace holdfast::sessions
