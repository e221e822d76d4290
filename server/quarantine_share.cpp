#include "server/quarantine_share.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"

namespace holdfast::server {

namespace {

using Entry = proxy::QuarantineBook::Entry;
using Json = nlohmann::ordered_json;

// No quarantine is longer, whatever another proxy says.
constexpr base::Duration kLeftMax = std::chrono::hours{24 * 366};
// Ends that are nearer than this are the same: they travel as times of day.
constexpr base::Duration kSameEnd = std::chrono::seconds{1};

/// For other proxies: times by the clock on the wall.
std::string text_in(const Entry& entry, base::Duration left) {
  const auto until = base::wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(left);
  const Json json = {{"pool", entry.pool},
                     {"backend", entry.backend},
                     {"method", entry.method},
                     {"path", entry.path},
                     {"crashes", entry.crashes},
                     {"since", entry.since.time_since_epoch().count()},
                     {"until", until.time_since_epoch().count()},
                     {"print",
                      {entry.fingerprint.head, entry.fingerprint.length, entry.fingerprint.body,
                       static_cast<std::uint64_t>(entry.fingerprint.client)}}};
  return base::json_text(json);
}

/// nullopt: not understood, or over. `until` is a moment of this process.
std::optional<Entry> parse_entry(std::string_view text, base::Instant now) {
  const Json json = base::parse_json(text);
  const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  const auto is_number = [&](const char* key) { return json.contains(key) && json[key].is_number_integer(); };
  if (!json.is_object() || !is_text("pool") || !is_text("backend") || !is_text("method") || !is_text("path") ||
      !is_number("crashes") || !is_number("since") || !is_number("until") || !json.contains("print")) {
    return std::nullopt;
  }
  const Json& fingerprint = json["print"];
  if (!fingerprint.is_array() || fingerprint.size() != 4) return std::nullopt;
  if (!std::all_of(fingerprint.begin(), fingerprint.end(),
                   [](const Json& part) { return part.is_number_unsigned(); })) {
    return std::nullopt;
  }
  Entry entry;
  entry.fingerprint = {fingerprint[0].get<std::uint64_t>(), fingerprint[1].get<std::uint64_t>(),
                       fingerprint[2].get<std::uint64_t>(), proxy::ClientTag{fingerprint[3].get<std::uint64_t>()}};
  entry.pool = json["pool"].get<std::string>();
  entry.backend = json["backend"].get<std::string>();
  entry.method = json["method"].get<std::string>();
  entry.path = json["path"].get<std::string>();
  entry.crashes = json["crashes"].get<std::uint32_t>();
  entry.since = base::WallTime{std::chrono::milliseconds{json["since"].get<std::int64_t>()}};
  const std::int64_t left = std::max<std::int64_t>(json["until"].get<std::int64_t>(), 0) -
                            base::wall_now().time_since_epoch() / std::chrono::milliseconds{1};
  if (left <= 0 || left > kLeftMax / std::chrono::milliseconds{1}) return std::nullopt;
  entry.last = now;
  entry.until = now + std::chrono::milliseconds{left};
  return entry;
}

// KEYS: hash. ARGV: id, text, life in ms, channel. The hash lives as long as the last of those in it.
const redis::RedisScript& put_script() {
  static const redis::RedisScript script("quarantine_put", R"lua(
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
redis.call('PUBLISH', ARGV[4], '+ ' .. ARGV[1] .. ' ' .. ARGV[2])
return ARGV[2]
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

std::string key_of(const Entry& entry) { return id_text(id_of(entry.fingerprint)); }

}  // namespace

std::string id_text(std::uint64_t id) { return fmt::format("{:016x}", id); }

// ---- in Redis

QuarantineCodec::QuarantineCodec(base::Scheduler& scheduler, std::string_view prefix)
    : scheduler_(scheduler), key_(std::string(prefix) + ":quarantine") {}

std::string QuarantineCodec::text_of(const Value& entry) const {
  return text_in(entry, entry.until - scheduler_.now());
}

std::optional<Entry> QuarantineCodec::parse(std::string_view text) const { return parse_entry(text, scheduler_.now()); }

std::unique_ptr<redis::RedisCall> QuarantineCodec::put(redis::Redis& redis, const std::string& id,
                                                       const cluster::Sent<Value>& entry, cluster::Put,
                                                       redis::Redis::Done done) const {
  const std::string life_ms = std::to_string(base::count_ms(entry.value.until - scheduler_.now()) + 1);
  return redis.run(put_script(), {key_}, {id, entry.text, life_ms, key_}, std::move(done));
}

void QuarantineCodec::release(redis::Redis& redis, const std::string& id) const {
  redis.send(release_script(), {key_}, {id, key_});
}

void QuarantineCodec::forget(redis::Redis& redis, const std::string& id) const { redis.send({"HDEL", key_, id}); }

// ---- with the others

QuarantineShare::QuarantineShare(redis::Redis& redis, base::Scheduler& scheduler, std::string_view prefix,
                                 proxy::QuarantineBook& book, Owner& owner)
    : redis_(redis),
      scheduler_(scheduler),
      codec_(scheduler, prefix),
      book_(book),
      owner_(owner),
      map_(scheduler, &redis, codec_, static_cast<cluster::ReplicatedMap<QuarantineCodec>::Copy&>(*this)) {}

void QuarantineShare::put(const Entry& entry) { map_.put(key_of(entry)); }

void QuarantineShare::release(const Entry& entry) {
  map_.forget(key_of(entry));
  codec_.release(redis_, key_of(entry));
}

void QuarantineShare::forget(const Entry& entry) {
  map_.forget(key_of(entry));
  codec_.forget(redis_, key_of(entry));
}

/// The link may still be on its way when the subscription stands: then once more with the next tick.
void QuarantineShare::on_tick() {
  if (is_subscribed_) map_.on_version(0);
}

void QuarantineShare::on_subscribed() {
  is_subscribed_ = true;
  map_.on_gap();
  map_.on_version(0);
}

void QuarantineShare::on_message(std::string_view, std::string_view payload) {
  if (payload.size() < 3 || payload[1] != ' ') return;
  const std::string_view rest = payload.substr(2);
  const std::string id(rest.substr(0, rest.find(' ')));
  if (payload[0] == '-') {
    map_.forget(id);
    owner_.on_released(rest);
  } else if (payload[0] == '+' && id.size() < rest.size()) {
    map_.on_put_elsewhere(id, rest.substr(id.size() + 1));
  }
}

std::optional<Entry> QuarantineShare::find(const std::string& id) const {
  std::uint64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number, 16);
  const auto at = book_.entries().find(number);
  if (at == book_.entries().end() || !at->second.is_quarantined) return std::nullopt;
  return at->second.until > scheduler_.now() ? std::optional(at->second) : std::nullopt;
}

std::vector<std::string> QuarantineShare::keys() const {
  std::vector<std::string> keys;
  for (const auto& [id, entry] : book_.entries()) {
    if (entry.is_quarantined && entry.until > scheduler_.now()) keys.push_back(id_text(id));
  }
  return keys;
}

bool QuarantineShare::adopt(const std::string& id, const Entry& entry) {
  // What we have put comes back to us, with an end that is off by what two clocks differ.
  if (const auto ours = find(id); ours && entry.until - ours->until < kSameEnd) return false;
  if (!book_.adopt(entry)) return false;
  owner_.on_shared(entry);
  return true;
}

}  // namespace holdfast::server
