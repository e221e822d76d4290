#include "cluster/quarantine_share.h"

#include <utility>

namespace holdfast::cluster {

namespace {

// KEYS: hash. ARGV: id, text, life in ms, channel. The hash lives as long as the last of those in it.
const redis::RedisScript& put_script() {
  static const redis::RedisScript script("quarantine_put", R"lua(
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
redis.call('PUBLISH', ARGV[4], '+ ' .. ARGV[1] .. ' ' .. ARGV[2])
return 1
)lua");
  return script;
}

// KEYS: hash. ARGV: id, channel.
const redis::RedisScript& release_script() {
  static const redis::RedisScript script("quarantine_release", R"lua(
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], '- ' .. ARGV[1])
return 1
)lua");
  return script;
}

}  // namespace

QuarantineShare::QuarantineShare(redis::Redis& redis, base::Scheduler& scheduler, std::string_view prefix,
                                 Listener& listener)
    : redis_(redis), scheduler_(scheduler), key_(std::string(prefix) + ":quarantine"), listener_(listener) {}

void QuarantineShare::put(std::string_view id, std::string_view text, base::Duration life) {
  const std::string life_ms = std::to_string(base::count_ms(life) + 1);
  redis_.send(put_script(), {key_}, {id, text, life_ms, key_});
}

void QuarantineShare::release(std::string_view id) { redis_.send(release_script(), {key_}, {id, key_}); }

void QuarantineShare::forget(std::string_view id) { redis_.send({"HDEL", key_, id}); }

void QuarantineShare::on_message(std::string_view, std::string_view payload) {
  if (payload.size() < 3 || payload[1] != ' ') return;
  const std::string_view rest = payload.substr(2);
  if (payload[0] == '-') return listener_.on_released(rest);
  const std::string_view id = rest.substr(0, rest.find(' '));
  if (payload[0] == '+' && id.size() < rest.size()) listener_.on_shared(id, rest.substr(id.size() + 1));
}

void QuarantineShare::on_subscribed() {
  wants_all_ = true;
  read_all();
}

void QuarantineShare::on_tick() {
  if (wants_all_ && !reading_) read_all();
}

/// The link may still be on its way when the subscription stands: then once more with the next tick.
void QuarantineShare::read_all() {
  if (reading_) scheduler_.bury(std::move(reading_));
  reading_ = redis_.call({"HGETALL", key_}, [this](const base::Result<redis::RedisReply>& reply) {
    scheduler_.bury(std::move(reading_));
    if (!reply || !reply->is_array()) return;
    wants_all_ = false;
    on_all(*reply);
    listener_.on_shared_again();
  });
}

void QuarantineShare::on_all(const redis::RedisReply& reply) {
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const std::string& id = reply.items[i].text;
    if (!listener_.on_shared(id, reply.items[i + 1].text)) forget(id);
  }
}

}  // namespace holdfast::cluster
