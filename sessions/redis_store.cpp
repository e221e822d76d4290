#include "sessions/redis_store.h"

#include <algorithm>
#include <utility>

#include "sessions/order.h"

namespace holdfast::sessions {

/// A question under way: the reply of Redis is adopted; without a reply, the copies decide.
class RedisStore::Asking final : public OpenQuestions::Pending {
 public:
  enum class Kind : std::uint8_t { Bind, Move };

  Asking(RedisStore& store, Kind kind, const Key& key, const Binding& known, BackendTag to)
      : store_(store), stamp_(store.copies_.stamp_of(key)), key_(key), known_(known), to_(to), kind_(kind) {}

  void ask(std::string_view pool) {
    const auto on_done = [this](const base::Result<BindResult>& agreed) { on_reply(agreed); };
    call_ = kind_ == Kind::Bind ? store_.scripts_.bind(pool, key_, known_, std::chrono::seconds{0}, on_done)
                                : store_.scripts_.move(pool, key_, known_, to_, on_done);
  }

 private:
  void on_reply(const base::Result<BindResult>& agreed) {
    const base::Instant now = store_.scheduler_.now();
    const BindResult holds = agreed ? adopt(*agreed, now) : decide_alone(now);
    StoreHandler* const handler = close();
    if (handler != nullptr) handler->on_binding(holds);
  }

  BindResult adopt(const BindResult& agreed, base::Instant now) const {
    const Binding holds = store_.copies_.adopt(key_, agreed, stamp_, now);
    return {holds, agreed.is_ours && holds == agreed};
  }

  BindResult decide_alone(base::Instant now) const {
    MemoryStore& copies = store_.copies_;
    const BindResult holds = kind_ == Kind::Bind ? copies.bind(key_, known_, now) : copies.move(key_, known_, to_, now);
    copies.invalidate(key_);
    return holds;
  }

  RedisStore& store_;
  const MemoryStore::ReadStamp stamp_;
  const Key key_;
  const Binding known_;  // Bind: what is wanted. Move: what was seen.
  const BackendTag to_;
  const Kind kind_;
  RedisScripts::Call call_;
};

/// A binding that this process has made already, and Redis is told of. Nobody waits.
class RedisStore::Offer final : public OpenQuestions::Pending {
 public:
  Offer(RedisStore& store, const Key& key) : store_(store), stamp_(store.copies_.stamp_of(key)), key_(key) {}

  void send(std::string_view pool, const Binding& binding) {
    call_ = store_.scripts_.bind(pool, key_, binding, std::chrono::seconds{0},
                                 [this](const base::Result<BindResult>& agreed) { on_reply(agreed); });
  }

 private:
  void on_reply(const base::Result<BindResult>& agreed) {
    if (agreed) {
      store_.copies_.adopt(key_, *agreed, stamp_, store_.scheduler_.now());
    } else {
      store_.copies_.invalidate(key_);
    }
    close();
  }

  RedisStore& store_;
  const MemoryStore::ReadStamp stamp_;
  const Key key_;
  RedisScripts::Call call_;
};

RedisStore::RedisStore(MemoryStore& copies, SessionSlots& slots, CopyLease& copy_lease, redis::Redis& redis,
                       base::Scheduler& scheduler, const Options& options)
    : copies_(copies),
      copy_lease_(copy_lease),
      scheduler_(scheduler),
      scripts_(redis, options.names, options.idle_timeout),
      admission_(scripts_, slots, copy_lease.self(), scheduler),
      ends_(scripts_, copy_lease, scheduler, {.idle_timeout = options.idle_timeout, .patience = options.patience}),
      learned_(scripts_, copies, copy_lease, scheduler, options.patience),
      uses_(scripts_, scheduler),
      questions_(scheduler) {}

RedisStore::~RedisStore() = default;

std::optional<LookupResult> RedisStore::find(std::string_view pool, const Key& key, base::Instant now) {
  auto found = copies_.find(key, now);
  if (!found) return found;
  if (found->use_is_news) uses_.note(pool, key);
  if (!scripts_.is_up()) {
    found->is_sure = true;  // there is nobody to ask
  } else if (!copy_lease_.is_valid(now)) {
    found->is_sure = false;
  }
  return found;
}

AskedAdmission RedisStore::admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) {
  return admission_.admit(request, now, handler);
}

Asked RedisStore::bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
                       StoreHandler& handler) {
  if (!scripts_.is_up()) {
    const BindResult holds = copies_.bind(key, wanted, now);
    copies_.invalidate(key);
    return {.now = holds, .later = nullptr};
  }
  auto asking = std::make_unique<Asking>(*this, Asking::Kind::Bind, key, wanted, BackendTag::None);
  asking->ask(pool);
  return {.now = {}, .later = questions_.add(std::move(asking), handler)};
}

BindResult RedisStore::begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) {
  if (const auto found = copies_.find(key, now); found && found->is_sure) {
    return {found->binding, false};
  }
  const BindResult holds = copies_.bind(key, {to, kFirstKnown}, now);
  if (scripts_.is_up()) {
    offer(pool, key, holds);
  } else {
    copies_.invalidate(key);
  }
  return holds;
}

Asked RedisStore::learn(std::string_view pool, const Key& key, BackendTag to, Wait wait, base::Instant now,
                        StoreHandler& handler) {
  const auto found = copies_.find(key, now);
  const bool is_known =
      found && found->is_sure && found->binding.backend != BackendTag::Ended && !is_guess(found->binding.generation);
  if (is_known) return {.now = {found->binding, false}, .later = nullptr};
  Asked learned{.now = copies_.learn(key, to, now), .later = nullptr};
  if (!scripts_.is_up()) {
    copies_.invalidate(key);
  } else if (wait == Wait::Yes) {
    learned.later = learned_.publish(pool, key, to, handler);
  } else {
    learned_.publish(pool, key, to);
  }
  return learned;
}

Asked RedisStore::move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
                       StoreHandler& handler) {
  if (!scripts_.is_up()) {
    const BindResult holds = copies_.move(key, seen, to, now);
    copies_.invalidate(key);
    return {.now = holds, .later = nullptr};
  }
  auto asking = std::make_unique<Asking>(*this, Asking::Kind::Move, key, seen, to);
  asking->ask(pool);
  return {.now = {}, .later = questions_.add(std::move(asking), handler)};
}

void RedisStore::cookie_issued(const Key& key, base::Instant now) { copies_.cookie_issued(key, now); }

std::unique_ptr<Question> RedisStore::end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                          StoreHandler& handler) {
  const auto found = copies_.find(key, now);
  const Generation known = found ? found->binding.generation : Generation::None;
  if (ending == Ending::Mark) {
    copies_.mark_ended(key, known, now);
  } else {
    copies_.end(key);
  }
  return ends_.end(pool, key, known, ending, handler);
}

void RedisStore::offer(std::string_view pool, const Key& key, const Binding& binding) {
  auto offer = std::make_unique<Offer>(*this, key);
  offer->send(pool, binding);
  questions_.add(std::move(offer));
}

}  // namespace holdfast::sessions
