#include "cluster/roll_leases.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/text.h"

namespace holdfast::cluster {

namespace {

const redis::RedisScript& take_script() {
  static const redis::RedisScript script("roll_take", R"lua(
local old = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local since = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if old then
  local id, began = string.match(old, '^(%S+) (%d+) ')
  if id and id ~= ARGV[1] then return old end
  since = began or since
end
local text = ARGV[1] .. ' ' .. since .. ' ' .. ARGV[2] .. ' ' .. ARGV[3]
redis.call('SET', KEYS[1], text, 'PX', ARGV[4])
return text
)lua");
  return script;
}

const redis::RedisScript& release_script() {
  static const redis::RedisScript script("roll_release", R"lua(
local old = redis.call('GET', KEYS[1])
if old and string.match(old, '^(%S+) ') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
)lua");
  return script;
}

constexpr std::string_view kNoBackend = "-";

std::string_view backend_word(const RollHolder& holder) {
  return holder.backend.empty() ? kNoBackend : std::string_view(holder.backend);
}

}  // namespace

std::string text_of(const RollHolder& holder) {
  return fmt::format("{} {} {} {}", holder.id, holder.since.time_since_epoch().count(), backend_word(holder),
                     holder.by);
}

std::optional<RollHolder> parse_roll_holder(std::string_view text) {
  std::array<std::string_view, 3> words;
  for (std::string_view& word : words) {
    const std::size_t space = text.find(' ');
    if (space == 0 || space == std::string_view::npos) return std::nullopt;
    word = text.substr(0, space);
    text.remove_prefix(space + 1);
  }
  const auto since = base::parse_decimal(words[1]);
  if (!since) return std::nullopt;
  return RollHolder{.id = std::string(words[0]),
                    .backend = words[2] == kNoBackend ? std::string() : std::string(words[2]),
                    .by = std::string(text),
                    .since = base::WallTime{std::chrono::milliseconds{*since}}};
}

std::string RollCodec::text_of(const Value& holder) const { return cluster::text_of(holder); }

std::optional<RollHolder> RollCodec::parse(std::string_view text) const { return parse_roll_holder(text); }

std::string RollCodec::key(std::string_view pool) const { return fmt::format("{}:roll:{}", prefix_, pool); }

std::unique_ptr<redis::RedisCall> RollCodec::put(redis::Redis& redis, const std::string& pool, const Sent<Value>& sent,
                                                 Put, redis::Redis::Done done) const {
  const RollHolder& wish = sent.value;
  return redis.run(take_script(), {key(pool)},
                   {wish.id, backend_word(wish), wish.by, std::to_string(base::count_ms(RollLeases::kLease))},
                   std::move(done));
}

void RollCodec::release(redis::Redis& redis, std::string_view pool, std::string_view id) const {
  redis.send(release_script(), {key(pool)}, {id});
}

RollLeases::RollLeases(base::Scheduler& scheduler, redis::Redis* redis, std::string_view prefix)
    : scheduler_(scheduler) {
  if (redis != nullptr) map_.emplace(scheduler, *redis, RollCodec(prefix));
}

void RollLeases::take(const std::string& pool, const RollHolder& wish, Done done) {
  if (!map_) return take_here(pool, wish, done);
  map_->put(pool, wish, Put::Now, std::move(done));
}

void RollLeases::take_here(const std::string& pool, const RollHolder& wish, const Done& done) {
  HeldRoll& held = held_[pool];
  const base::Instant now = scheduler_.now();
  const bool is_free = held.holder.id.empty() || held.until <= now;
  if (!is_free && held.holder.id != wish.id) return done(held.holder);
  const base::WallTime since = is_free ? base::wall_now() : held.holder.since;
  held = {wish, now + kLease};
  held.holder.since = since;
  done(held.holder);
}

void RollLeases::release(const std::string& pool, std::string_view id) {
  if (map_) return map_->codec().release(map_->redis(), pool, id);
  if (const auto it = held_.find(pool); it != held_.end() && it->second.holder.id == id) held_.erase(it);
}

}  // namespace holdfast::cluster
