#include "sessions/shared_map.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace holdfast::sessions {

namespace {

constexpr base::Duration kCountEvery = std::chrono::seconds{1};
constexpr std::size_t kTagsAtOnce = 200;  // in one count
// Redis serves the others between two steps of a walk.
constexpr base::Duration kOfferPause = std::chrono::milliseconds{1};
constexpr base::Duration kOfferRetry = std::chrono::seconds{1};
constexpr std::string_view kHeartbeatWord = "beat ";

}  // namespace

/// A copy that Redis may not know, on its way there.
class SharedMap::Offer final : public OpenQuestions::Pending {
 public:
  Offer(SharedMap& map, const Key& key) : map_(map), stamp_(map.copies_.stamp_of(key)), key_(key) {}

  void send(const std::string& pool, const Binding& binding, std::chrono::seconds unused) {
    call_ = map_.scripts_.bind(pool, key_, binding, unused,
                               [this](const base::Result<BindResult>& agreed) { on_reply(agreed); });
  }

 private:
  void on_reply(const base::Result<BindResult>& agreed) {
    if (agreed) map_.copies_.adopt_unused(key_, *agreed, stamp_, map_.scheduler_.now());
    close();
    map_.on_offered();
  }

  SharedMap& map_;
  const MemoryStore::ReadStamp stamp_;
  const Key key_;
  RedisScripts::Call call_;
};

SharedMap::SharedMap(MemoryStore& copies, CopyLease& copy_lease, redis::Redis& redis, base::Scheduler& scheduler,
                     RedisNames names, base::Duration idle_timeout)
    : copies_(copies),
      copy_lease_(copy_lease),
      scheduler_(scheduler),
      scripts_(redis, std::move(names), idle_timeout),
      own_channel_(scripts_.names().own_channel(copy_lease.self())),
      offers_(scheduler),
      heartbeat_timer_(scheduler.timer([this] { heartbeat(); })),
      offer_timer_(scheduler.timer([this] { offer_some(); })),
      count_timer_(scheduler.timer([this] { count_all(); })) {
  count_timer_->set(scheduler.now() + kCountEvery);
}

SharedMap::~SharedMap() = default;

void SharedMap::set_pools(std::vector<Pool> pools) {
  pools_ = std::move(pools);
  pool_of_.clear();
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    for (const BackendTag tag : pools_[i].backends) pool_of_.emplace(tag, i);
  }
}

void SharedMap::on_link_up() {
  invalidate_and_offer();
  heartbeat();
}

// --- the news ---

void SharedMap::on_message(std::string_view channel, std::string_view payload) {
  if (channel == own_channel_) return on_own_word(payload);
  if (const auto to = parse_ack_request(payload)) return send_ack(*to);
  if (const auto news = parse_news(payload)) copies_.apply_update(news->key, news->binding, scheduler_.now());
}

void SharedMap::on_subscribed() {
  is_subscribed_ = true;
  invalidate_and_offer();
  heartbeat();
}

void SharedMap::on_lost(const redis::RedisState&) {
  if (std::exchange(is_subscribed_, false)) leave();
  copies_.invalidate_all();  // from now on news may be missed
}

void SharedMap::leave() {
  heartbeat_timer_->cancel();
  heartbeats_ = {};
  copy_lease_.lose();
  scripts_.drop_copy_lease(copy_lease_.self());
}

/// Renews the lease to use copies. It is ours when our word comes back (on_own_word).
void SharedMap::heartbeat() {
  if (!is_subscribed_) return;
  heartbeat_timer_->set(scheduler_.now() + kHeartbeat);
  if (!scripts_.is_up()) return;
  const std::uint64_t number = ++last_heartbeat_;
  heartbeats_[number % heartbeats_.size()] = {number, scheduler_.now()};
  scripts_.renew_copy_lease(copy_lease_.self(), kLease, std::string(kHeartbeatWord).append(std::to_string(number)));
}

void SharedMap::on_own_word(std::string_view payload) {
  if (payload.starts_with(kHeartbeatWord)) {
    const auto number = base::parse_decimal(payload.substr(kHeartbeatWord.size()));
    const Heartbeat& heartbeat = heartbeats_[number.value_or(0) % heartbeats_.size()];
    if (number && *number != 0 && heartbeat.number == *number) copy_lease_.extend(heartbeat.asked + kLease);
  } else if (const auto ack = parse_ack(payload)) {
    copy_lease_.deliver(ack->handler, ack->number, ack->subscriber);
  }
}

void SharedMap::send_ack(const AckAddress& to) {
  const std::string text = std::string(to.handler_and_number) + " " + copy_lease_.self();
  if (to.process == copy_lease_.self()) return on_own_word(text);
  scripts_.send_ack(to.process, text);
}

// --- what others may not know ---

void SharedMap::invalidate_and_offer() {
  copies_.invalidate_all();
  if (walk_) {
    walk_again_ = true;
    return;
  }
  walk_.emplace();
  offer_timer_->set(scheduler_.now());
}

/// One step of the walk; the next one follows when all its offers have replies.
void SharedMap::offer_some() {
  if (!walk_ || !offers_.is_empty()) return;
  if (!scripts_.is_up() || !is_subscribed_) return offer_timer_->set(scheduler_.now() + kOfferRetry);
  walk_ = copies_.invalidated(*walk_, scheduler_.now(), [&](const Session& session) {
    const auto pool = pool_of_.find(session.binding.backend);
    // Of marks and of backends no longer configured nobody knows the pool: they are offered when they are used.
    if (pool != pool_of_.end()) offer(session, pools_[pool->second].name);
  });
  if (!walk_ && std::exchange(walk_again_, false)) walk_.emplace();
  if (walk_ && offers_.is_empty()) offer_timer_->set(scheduler_.now());
}

void SharedMap::offer(const Session& session, const std::string& pool) {
  auto offer = std::make_unique<Offer>(*this, session.key);
  const auto unused = std::chrono::duration_cast<std::chrono::seconds>(scheduler_.now() - session.last_used);
  offer->send(pool, session.binding, std::max(unused, std::chrono::seconds{0}));
  offers_.add(std::move(offer));
}

void SharedMap::on_offered() {
  if (offers_.is_empty() && walk_) offer_timer_->set(scheduler_.now() + kOfferPause);
}

void SharedMap::count_all() {
  count_timer_->set(scheduler_.now() + kCountEvery);
  counting_.clear();
  if (!scripts_.is_up()) return;
  for (const Pool& pool : pools_) {
    for (std::size_t from = 0; from < pool.backends.size(); from += kTagsAtOnce) count(pool, from);
  }
}

void SharedMap::count(const Pool& pool, std::size_t from) {
  const std::size_t end = std::min(from + kTagsAtOnce, pool.backends.size());
  const std::vector<BackendTag> tags(pool.backends.begin() + static_cast<std::ptrdiff_t>(from),
                                     pool.backends.begin() + static_cast<std::ptrdiff_t>(end));
  counting_.push_back(scripts_.count(
      pool.name, tags,
      [this, tags](const base::Result<std::vector<SessionUsage>>& usages) { on_counted(tags, usages); }));
}

void SharedMap::on_counted(const std::vector<BackendTag>& tags, const base::Result<std::vector<SessionUsage>>& usages) {
  if (!usages || usages->size() != tags.size()) return;
  for (std::size_t i = 0; i < tags.size(); ++i) counts_[tags[i]] = (*usages)[i];
  counted_ = scheduler_.now();
}

std::optional<SessionUsage> SharedMap::usage_of(BackendTag backend) const {
  if (!has_counted()) return std::nullopt;
  const auto found = counts_.find(backend);
  return found == counts_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> SharedMap::size_of(BackendTag backend) const {
  const auto usage = usage_of(backend);
  return usage ? std::optional(usage->active + usage->idle) : std::nullopt;
}

}  // namespace holdfast::sessions
