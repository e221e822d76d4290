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
constexpr std::string_view kBeatWord = "beat ";

}  // namespace

SharedMap::SharedMap(MemoryStore& copies, Hearing& hearing, redis::Redis& redis, base::Scheduler& scheduler,
                     RedisNames names, base::Duration idle_timeout)
    : copies_(copies),
      hearing_(hearing),
      redis_(redis),
      scheduler_(scheduler),
      names_(std::move(names)),
      own_channel_(names_.own_channel(hearing.self())),
      idle_ms_(kept_ms(idle_timeout)),
      active_s_(std::to_string(std::chrono::ceil<std::chrono::seconds>(active_within(idle_timeout)).count())),
      beat_timer_(scheduler.timer([this] { beat(); })),
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
  doubt_and_offer();
  beat();
}

// --- the news ---

void SharedMap::on_message(std::string_view channel, std::string_view payload) {
  if (channel == own_channel_) return on_own_word(payload);
  if (const auto to = parse_receipt_request(payload)) return give_receipt(*to);
  if (const auto news = parse_news(payload)) copies_.hear(news->key, news->binding, scheduler_.now());
}

void SharedMap::on_subscribed() {
  is_subscribed_ = true;
  doubt_and_offer();
  beat();
}

void SharedMap::on_lost(const redis::RedisState&) {
  if (std::exchange(is_subscribed_, false)) leave();
  copies_.doubt_all();  // from now on news may be missed
}

void SharedMap::leave() {
  beat_timer_->cancel();
  beats_ = {};
  hearing_.lose();
  redis_.tell({"ZREM", names_.hearers(), hearing_.self()});
}

/// Renews the lease to answer from copies. It is ours when our word comes back (on_own_word).
void SharedMap::beat() {
  if (!is_subscribed_) return;
  beat_timer_->set(scheduler_.now() + kBeat);
  if (!redis_.is_up()) return;
  const std::uint64_t number = ++last_beat_;
  beats_[number % beats_.size()] = {number, scheduler_.now()};
  redis_.tell(scripts::hear(), {names_.hearers()},
              {hearing_.self(), std::to_string(base::count_ms(kLease)), own_channel_,
               std::string(kBeatWord).append(std::to_string(number))});
}

void SharedMap::on_own_word(std::string_view payload) {
  if (payload.starts_with(kBeatWord)) {
    const auto number = base::parse_decimal(payload.substr(kBeatWord.size()));
    const Beat& beat = beats_[number.value_or(0) % beats_.size()];
    if (number && *number != 0 && beat.number == *number) hearing_.extend(beat.asked + kLease);
  } else if (const auto receipt = parse_receipt(payload)) {
    hearing_.deliver(receipt->desk, receipt->number, receipt->hearer);
  }
}

void SharedMap::give_receipt(const ReceiptAddress& to) {
  const std::string text = std::string(to.desk_and_number) + " " + hearing_.self();
  if (to.process == hearing_.self()) return on_own_word(text);
  redis_.tell({"PUBLISH", names_.own_channel(to.process), text});
}

// --- what others may not know ---

void SharedMap::doubt_and_offer() {
  copies_.doubt_all();
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
  walk_ = copies_.doubtful(*walk_, scheduler_.now(), [&](const Session& session) {
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
  const MemoryStore::Sight sight = copies_.sight_of(key);
  offers_.emplace(number, redis_.run(scripts::bind(), {names_.session(pool, key)},
                                     {names_.base_of(pool), id_text(key),
                                      std::to_string(static_cast<std::uint32_t>(session.binding.generation)),
                                      tag_text(session.binding.backend), idle_ms_, names_.news(),
                                      std::to_string(std::max<std::int64_t>(0, unused.count()))},
                                     [this, number, key, sight](const base::Result<redis::RedisReply>& reply) {
                                       on_offered(number, key, sight, reply);
                                     }));
}

void SharedMap::on_offered(std::uint64_t number, const Key& key, const MemoryStore::Sight& sight,
                           const base::Result<redis::RedisReply>& reply) {
  if (const auto agreed = reply ? parse_held(*reply) : std::nullopt) {
    copies_.adopt_unused(key, *agreed, sight, scheduler_.now());
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
    Census& census = counts_[tags[i]];
    const auto all = static_cast<std::uint64_t>(number(3 * i));
    census.active = std::min(all, static_cast<std::uint64_t>(number(3 * i + 1)));
    census.idle = all - census.active;
    census.idle_for.reset();
    if (census.idle > 0) census.idle_for = std::chrono::seconds{number(3 * i + 2)};
  }
  counted_ = scheduler_.now();
}

std::optional<Census> SharedMap::census_of(BackendTag backend) const {
  if (!has_counted()) return std::nullopt;
  const auto found = counts_.find(backend);
  return found == counts_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> SharedMap::size_of(BackendTag backend) const {
  const auto census = census_of(backend);
  return census ? std::optional(census->active + census->idle) : std::nullopt;
}

}  // namespace holdfast::sessions
