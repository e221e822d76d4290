#include "cluster/heartbeat_script.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace holdfast::cluster {

namespace {

constexpr std::size_t kHead = 4;  // clock, fence, leader, version; then id and word of each proxy

struct Said {
  std::int64_t at_ms = 0;
  std::string_view word;
};

// "lease's end, when it was said, word"
std::optional<Said> said_in(std::string_view text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = text.find(' ', first == std::string_view::npos ? first : first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto at = base::parse_decimal(text.substr(first + 1, second - first - 1));
  if (!at) return std::nullopt;
  return Said{.at_ms = static_cast<std::int64_t>(*at), .word = text.substr(second + 1)};
}

}  // namespace

const redis::RedisScript& heartbeat_script() {
  static const redis::RedisScript script("cluster_pulse", R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, lease, forget = ARGV[1], tonumber(ARGV[2]), 600000
redis.call('HSET', KEYS[1], me, string.format('%.0f %.0f ', now + lease, now) .. ARGV[3])
redis.call('EXPIRE', KEYS[1], 86400)

local known = redis.call('HMGET', KEYS[2], 'id', 'until', 'fence')
local leader = known[1] or ''
local ends, fence = tonumber(known[2] or 0), tonumber(known[3] or 0)
if ends <= now then leader = '' end
if ARGV[5] == 'lead' and (leader == '' or leader == me) then
  if leader == '' then fence = math.max(fence, tonumber(ARGV[4]), now) + 1 end
  leader = me
  redis.call('HSET', KEYS[2], 'id', me, 'until', string.format('%.0f', now + lease), 'fence',
             string.format('%.0f', fence))
elseif leader == me then
  redis.call('HSET', KEYS[2], 'until', 0)
  leader = ''
end

local out = {now, fence, leader, tonumber(redis.call('GET', KEYS[3]) or 0)}
local nodes = redis.call('HGETALL', KEYS[1])
for i = 1, #nodes, 2 do
  local till = tonumber(string.match(nodes[i + 1], '^%d+') or 0)
  if till > now then
    out[#out + 1] = nodes[i]
    out[#out + 1] = nodes[i + 1]
  elseif leader == me and till + forget < now then
    redis.call('HDEL', KEYS[1], nodes[i])
  end
end
return out
)lua");
  return script;
}

const redis::RedisScript& goodbye_script() {
  static const redis::RedisScript script("cluster_goodbye", R"lua(
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HGET', KEYS[2], 'id') == ARGV[1] then redis.call('HSET', KEYS[2], 'until', 0) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
)lua");
  return script;
}

std::optional<HeartbeatReply> parse_heartbeat(const redis::RedisReply& reply, base::Instant answered) {
  const auto& items = reply.items;
  if (!reply.is_array() || items.size() < kHead || !items[0].is_integer() || !items[1].is_integer() ||
      !items[2].is_text() || !items[3].is_integer()) {
    return std::nullopt;
  }
  HeartbeatReply heartbeat;
  heartbeat.redis_now = base::WallTime{std::chrono::milliseconds{items[0].integer}};
  heartbeat.fence = static_cast<std::uint64_t>(items[1].integer);
  heartbeat.leader = items[2].text;
  heartbeat.orders_version = static_cast<std::uint64_t>(items[3].integer);
  for (std::size_t i = kHead; i + 1 < items.size(); i += 2) {
    const auto said = said_in(items[i + 1].text);
    if (!said) continue;
    const auto ago = std::chrono::milliseconds{std::max<std::int64_t>(0, items[0].integer - said->at_ms)};
    auto word = parse_proxy_report(said->word, answered - ago);
    if (word && word->id() == items[i].text) heartbeat.live.push_back(std::move(*word));
  }
  return heartbeat;
}

}  // namespace holdfast::cluster
