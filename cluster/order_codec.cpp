#include "cluster/order_codec.h"

#include <utility>

namespace holdfast::cluster {

namespace {

// "now" is an operator's order of this moment: it comes after all that is there, whatever the clocks of the proxies
// say. "offer" is one of earlier: the later one stays. Replies what holds.
const redis::RedisScript& put_script() {
  static const redis::RedisScript script("operator_put", R"lua(
local order = cjson.decode(ARGV[2])
local old = redis.call('HGET', KEYS[1], ARGV[1])
local old_at = -1
if old then
  local ok, known = pcall(cjson.decode, old)
  if ok and type(known) == 'table' and type(known.at) == 'number' then old_at = known.at end
end
if ARGV[3] == 'now' then
  local time = redis.call('TIME')
  order.at = math.max(time[1] * 1000 + math.floor(time[2] / 1000), old_at + 1)
elseif old_at >= order.at then
  return old
end
local text = cjson.encode(order)
redis.call('HSET', KEYS[1], ARGV[1], text)
local version = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', ARGV[4], ARGV[5] .. ' ' .. string.format('%.0f', version))
return text
)lua");
  return script;
}

}  // namespace

std::unique_ptr<redis::RedisCall> OrderCodec::put(redis::Redis& redis, const std::string& backend,
                                                  const Sent<Value>& order, Put how, redis::Redis::Done done) const {
  return redis.run(put_script(), {keys_.orders, keys_.orders_version},
                   {backend, order.text, how == Put::Now ? "now" : "offer", keys_.channel, kOrdersMessage},
                   std::move(done));
}

}  // namespace holdfast::cluster
