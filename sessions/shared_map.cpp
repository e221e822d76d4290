#include "sessions/shared_map.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sessions/redis_scripts.h"
#include "sessions/redis_store.h"

namespace holdfast::sessions {

namespace {

constexpr base::Duration kCountEvery = std::chrono::seconds{1};
constexpr std::size_t kTagsAtOnce = 200;  // in one count
// Redis serves the others between two steps of a walk.
constexpr base::Duration kOfferPause = std::chrono::milliseconds{1};
constexpr base::Duration kOfferRetry = std::chrono::seconds{1};
constexpr std::string_view kHeartbeatWord = "beat ";

}  // namespace

SharedMap::SharedMap(MemoryStore& copies, CopyLease& copy_lease, redis::Redis& redis, base::Scheduler& scheduler,
                     RedisNames names, base::Duration idle_timeout)
    : copies_(copies),
      copy_lease_(copy_lease),
      redis_(redis),
      scheduler_(scheduler),
      names_(std::move(names)),
      own_channel_(names_.own_channel(copy_lease.self())),
      idle_ms_(kept_ms(idle_timeout)),
      active_s_(std::to_string(std::chrono::ceil<std::chrono::seconds>(active_within(idle_timeout)).count())),
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
  redis_.send({"ZREM", names_.subscribers(), copy_lease_.self()});
}

/// Renews the lease to answer from copies. It is ours when our word comes back (on_own_word).
void SharedMap::heartbeat() {
  if (!is_subscribed_) return;
  heartbeat_timer_->set(scheduler_.now() + kHeartbeat);
  if (!redis_.is_up()) return;
  const std::uint64_t number = ++last_heartbeat_;
  heartbeats_[number % heartbeats_.size()] = {number, scheduler_.now()};
  redis_.send(scripts::renew_copy_lease(), {names_.subscribers()},
              {copy_lease_.self(), std::to_string(base::count_ms(kLease)), own_channel_,
               std::string(kHeartbeatWord).append(std::to_string(number))});
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
  redis_.send({"PUBLISH", names_.own_channel(to.process), text});
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

/// One step of the walk; the next one follows when all its offers are answered.
void SharedMap::offer_some() {
  if (!walk_ || !offers_.empty()) return;
  if (!redis_.is_up() || !is_subscribed_) return offer_timer_->set(scheduler_.now() + kOfferRetry);
  walk_ = copies_.invalidated(*walk_, scheduler_.now(), [&](const Session& session) {
    const auto pool = pool_of_.find(session.binding.backend);
    // Of marks and of backends no longer configured nobody knows the pool: they are offered when they are used.
    if (pool != pool_of_.end()) offer(session, pools_[pool->second].name);
  });
  if (!walk_ && std::exchange(walk_again_, false)) walk_.emplace();
  if (walk_ && offers_.empty()) offer_timer_->set(scheduler_.now());
}

void SharedMap::offer(const Session& session, const std::string& pool) {
  const std::uint64_t number = ++last_offer_;
  const Key& key = session.key;
  const auto unused = std::chrono::duration_cast<std::chrono::seconds>(scheduler_.now() - session.last_used);
  const MemoryStore::ReadStamp stamp = copies_.stamp_of(key);
  offers_.emplace(number, redis_.run(scripts::bind(), {names_.session(pool, key)},
                                     {names_.base_of(pool), id_text(key),
                                      std::to_string(static_cast<std::uint32_t>(session.binding.generation)),
                                      tag_text(session.binding.backend), idle_ms_, names_.news(),
                                      std::to_string(std::max<std::int64_t>(0, unused.count()))},
                                     [this, number, key, stamp](const base::Result<redis::RedisReply>& reply) {
                                       on_offered(number, key, stamp, reply);
                                     }));
}

void SharedMap::on_offered(std::uint64_t number, const Key& key, const MemoryStore::ReadStamp& stamp,
                           const base::Result<redis::RedisReply>& reply) {
  if (const auto agreed = reply ? parse_bind_result(*reply) : std::nullopt) {
    copies_.adopt_unused(key, *agreed, stamp, scheduler_.now());
  }
  offers_.erase(number);  // destroys what holds this call's closure: last
  if (offers_.empty() && walk_) offer_timer_->set(scheduler_.now() + kOfferPause);
}

void SharedMap::count_all() {
  count_timer_->set(scheduler_.now() + kCountEvery);
  counting_.clear();
  if (!redis_.is_up()) return;
  for (const Pool& pool : pools_) {
    for (std::size_t from = 0; from < pool.backends.size(); from += kTagsAtOnce) count(pool, from);
  }
}

void SharedMap::count(const Pool& pool, std::size_t from) {
  const std::size_t end = std::min(from + kTagsAtOnce, pool.backends.size());
  const std::vector<BackendTag> tags(pool.backends.begin() + static_cast<std::ptrdiff_t>(from),
                                     pool.backends.begin() + static_cast<std::ptrdiff_t>(end));
  std::vector<std::string> texts{names_.base_of(pool.name), idle_ms_, active_s_};
  for (const BackendTag tag : tags) texts.push_back(tag_text(tag));
  const std::vector<std::string_view> args(texts.begin(), texts.end());
  counting_.push_back(
      redis_.run(scripts::count(), redis::RedisWords{}, args,
                 [this, tags](const base::Result<redis::RedisReply>& reply) { on_counted(tags, reply); }));
}

void SharedMap::on_counted(const std::vector<BackendTag>& tags, const base::Result<redis::RedisReply>& reply) {
  if (!reply || reply->items.size() != 3 * tags.size()) return;
  const auto number = [&](std::size_t at) { return std::max<std::int64_t>(0, reply->items[at].integer); };
  for (std::size_t i = 0; i < tags.size(); ++i) {
    SessionUsage& usage = counts_[tags[i]];
    const auto all = static_cast<std::uint64_t>(number(3 * i));
    usage.active = std::min(all, static_cast<std::uint64_t>(number(3 * i + 1)));
    usage.idle = all - usage.active;
    usage.idle_for.reset();
    if (usage.idle > 0) usage.idle_for = std::chrono::seconds{number(3 * i + 2)};
  }
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
