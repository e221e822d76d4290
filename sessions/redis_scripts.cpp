#include "sessions/redis_scripts.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sessions/lua_scripts.h"

namespace holdfast::sessions {

namespace {

using redis::RedisReply;

// --- words ---

/// A little longer than the idle timeout, as uses are told in shares of it.
std::string kept_ms(base::Duration idle_timeout) {
  return std::to_string(base::count_ms(idle_timeout + idle_timeout / 32) + 1);
}

std::string text_of(Generation generation) { return std::to_string(static_cast<std::uint32_t>(generation)); }

std::vector<std::string_view> views_of(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

// --- replies ---

/// As a link wants it: passes on what `parse` makes of the reply.
template <class T>
redis::Redis::Done parsed(std::optional<T> (*parse)(const RedisReply&), RedisScripts::Done<T> done) {
  return [parse, done = std::move(done)](const base::Result<RedisReply>& reply) {
    if (!reply) return done(reply.error());
    auto value = parse(*reply);
    if (!value) return done(base::Error{base::ErrorCode::Malformed, "an unexpected reply of Redis"});
    done(*std::move(value));
  };
}

std::uint64_t count_in(const RedisReply& reply) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.integer));
}

std::vector<std::string> texts_in(const RedisReply& list) {
  std::vector<std::string> texts;
  texts.reserve(list.items.size());
  for (const RedisReply& item : list.items) texts.push_back(item.text);
  return texts;
}

// {the generation of the end, subscribers}
std::optional<RedisScripts::Changed> parse_end(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() < 2) return std::nullopt;
  return RedisScripts::Changed{.sessions = 1, .subscribers = texts_in(reply.items[1])};
}

// {generation, tag, 1 if this call made it so, subscribers}
std::optional<RedisScripts::Learned> parse_learned(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() < 4) return std::nullopt;
  const auto holds = parse_bind_result(reply);
  if (!holds) return std::nullopt;
  return RedisScripts::Learned{.holds = *holds, .subscribers = texts_in(reply.items[3])};
}

// {how many, subscribers}
std::optional<RedisScripts::Changed> parse_put(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() < 2) return std::nullopt;
  return RedisScripts::Changed{.sessions = count_in(reply.items[0]), .subscribers = texts_in(reply.items[1])};
}

// {how many, how many are left, subscribers}
std::optional<RedisScripts::Changed> parse_clear(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() < 3) return std::nullopt;
  return RedisScripts::Changed{
      .sessions = count_in(reply.items[0]), .left = count_in(reply.items[1]), .subscribers = texts_in(reply.items[2])};
}

// For each backend: {all, active, the shortest idle time or -1}
std::optional<std::vector<SessionUsage>> parse_count(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() % 3 != 0) return std::nullopt;
  std::vector<SessionUsage> usages(reply.items.size() / 3);
  for (std::size_t i = 0; i < usages.size(); ++i) {
    SessionUsage& usage = usages[i];
    const std::uint64_t all = count_in(reply.items[3 * i]);
    usage.active = std::min(all, count_in(reply.items[3 * i + 1]));
    usage.idle = all - usage.active;
    if (usage.idle > 0) usage.idle_for = std::chrono::seconds{count_in(reply.items[3 * i + 2])};
  }
  return usages;
}

std::optional<base::WallTime> parse_seconds(const std::string& text) {
  const auto seconds = base::parse_decimal(text);
  if (!seconds) return std::nullopt;
  return base::WallTime{std::chrono::seconds{*seconds}};
}

// {id, generation, tag, created, last used}
std::optional<Listed> parse_listed(const RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() != 5) return std::nullopt;
  const auto news = parse_news(reply.items[0].text + " " + reply.items[1].text + " " + reply.items[2].text);
  const auto created = parse_seconds(reply.items[3].text);
  const auto last_used = parse_seconds(reply.items[4].text);
  if (!news || !created || !last_used) return std::nullopt;
  return Listed{news->key, news->binding, *created, *last_used};
}

std::optional<std::optional<Listed>> parse_find(const RedisReply& reply) { return parse_listed(reply); }

std::optional<std::vector<Listed>> parse_list(const RedisReply& reply) {
  std::vector<Listed> found;
  for (const RedisReply& item : reply.items) {
    if (const auto session = parse_listed(item)) found.push_back(*session);
  }
  return found;
}

}  // namespace

RedisScripts::RedisScripts(redis::Redis& redis, RedisNames names, base::Duration idle_timeout)
    : redis_(redis),
      names_(std::move(names)),
      idle_ms_(kept_ms(idle_timeout)),
      active_s_(std::to_string(std::chrono::ceil<std::chrono::seconds>(active_within(idle_timeout)).count())) {}

RedisScripts::Call RedisScripts::bind(std::string_view pool, const Key& key, const Binding& wanted,
                                      std::chrono::seconds unused, Done<BindResult> done) {
  return redis_.run(lua::bind(), {names_.session(pool, key)},
                    {names_.base_of(pool), id_text(key), text_of(wanted.generation), tag_text(wanted.backend), idle_ms_,
                     names_.news(), std::to_string(unused.count())},
                    parsed(parse_bind_result, std::move(done)));
}

RedisScripts::Call RedisScripts::learn(std::string_view pool, const Key& key, BackendTag to, const std::string& acks,
                                       Done<Learned> done) {
  return redis_.run(lua::learn(), {names_.session(pool, key), names_.subscribers()},
                    {names_.base_of(pool), id_text(key), tag_text(to), idle_ms_, names_.news(), acks},
                    parsed(parse_learned, std::move(done)));
}

RedisScripts::Call RedisScripts::move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to,
                                      Done<BindResult> done) {
  return redis_.run(lua::move(), {names_.session(pool, key)},
                    {names_.base_of(pool), id_text(key), text_of(seen.generation), tag_text(seen.backend), tag_text(to),
                     idle_ms_, names_.news()},
                    parsed(parse_bind_result, std::move(done)));
}

RedisScripts::Call RedisScripts::end(std::string_view pool, const Key& key, Generation known, Ending ending,
                                     const AckAddress& acks, Done<Changed> done) {
  return redis_.run(lua::end(), {names_.session(pool, key), names_.subscribers()},
                    {names_.base_of(pool), id_text(key), idle_ms_, names_.news(),
                     ending == Ending::Mark ? "mark" : "forget", text_of(known), acks},
                    parsed(parse_end, std::move(done)));
}

void RedisScripts::touch(std::string_view pool, std::span<const Key> keys) {
  std::vector<std::string> words{names_.base_of(pool), idle_ms_};
  words.reserve(words.size() + keys.size());
  for (const Key& key : keys) words.push_back(id_text(key));
  // The script finds its keys by their base: they all have the pool's hash tag.
  redis_.send(lua::touch(), redis::RedisWords{}, views_of(words));
}

RedisScripts::Call RedisScripts::reserve_slot(const Reserve& wanted, Done<Admission> done) {
  const SessionLimits& limits = wanted.limits;
  std::vector<std::string> words{names_.base_of(wanted.pool),
                                 std::string(wanted.name),
                                 std::to_string(base::count_ms(wanted.lasts)),
                                 wanted.key != nullptr ? names_.session(wanted.pool, *wanted.key) : std::string(),
                                 std::to_string(limits.sessions_max),
                                 tag_text(wanted.backend)};
  words.reserve(words.size() + 2 * limits.backends.size());
  for (const SessionLimits::Of& one : limits.backends) {
    words.push_back(tag_text(one.backend));
    words.push_back(std::to_string(one.sessions_max));
  }
  return redis_.run(lua::reserve_slot(), redis::RedisWords{}, views_of(words),
                    parsed(parse_admission, std::move(done)));
}

void RedisScripts::give_back(std::string_view pool, std::string_view name, BackendTag backend) {
  redis_.send(lua::give_back(), {}, {names_.base_of(pool), name, tag_text(backend)});
}

RedisScripts::Call RedisScripts::count(std::string_view pool, std::span<const BackendTag> backends,
                                       Done<std::vector<SessionUsage>> done) {
  std::vector<std::string> words{names_.base_of(pool), idle_ms_, active_s_};
  words.reserve(words.size() + backends.size());
  for (const BackendTag tag : backends) words.push_back(tag_text(tag));
  return redis_.run(lua::count(), redis::RedisWords{}, views_of(words), parsed(parse_count, std::move(done)));
}

RedisScripts::Call RedisScripts::find(std::string_view pool, const Key& key, Done<std::optional<Listed>> done) {
  return redis_.run(lua::find(), {names_.session(pool, key)}, {names_.base_of(pool), id_text(key)},
                    parsed(parse_find, std::move(done)));
}

RedisScripts::Call RedisScripts::list(std::string_view pool, std::span<const BackendTag> backends, std::size_t limit,
                                      Done<std::vector<Listed>> done) {
  std::vector<std::string> words{names_.base_of(pool), std::to_string(limit)};
  for (const BackendTag tag : backends) words.push_back(tag_text(tag));
  return redis_.run(lua::list(), redis::RedisWords{}, views_of(words), parsed(parse_list, std::move(done)));
}

RedisScripts::Call RedisScripts::put(std::string_view pool, const Key& key, BackendTag to, const AckAddress& acks,
                                     Done<Changed> done) {
  return redis_.run(lua::put(), {names_.session(pool, key), names_.subscribers()},
                    {names_.base_of(pool), id_text(key), tag_text(to), idle_ms_, names_.news(), acks},
                    parsed(parse_put, std::move(done)));
}

RedisScripts::Call RedisScripts::clear(std::string_view pool, BackendTag from, std::span<const BackendTag> to,
                                       std::size_t most, const AckAddress& acks, Done<Changed> done) {
  std::vector<std::string> words{names_.base_of(pool), tag_text(from),       idle_ms_,
                                 names_.news(),        std::to_string(most), acks};
  for (const BackendTag tag : to) words.push_back(tag_text(tag));
  const std::string subscribers = names_.subscribers();
  const std::string_view keys[] = {subscribers};
  return redis_.run(lua::clear(), keys, views_of(words), parsed(parse_clear, std::move(done)));
}

void RedisScripts::renew_copy_lease(std::string_view process, base::Duration lease, std::string_view word) {
  redis_.send(lua::renew_copy_lease(), {names_.subscribers()},
              {process, std::to_string(base::count_ms(lease)), names_.own_channel(process), word});
}

void RedisScripts::drop_copy_lease(std::string_view process) { redis_.send({"ZREM", names_.subscribers(), process}); }

void RedisScripts::send_ack(std::string_view process, std::string_view words) {
  redis_.send({"PUBLISH", names_.own_channel(process), words});
}

}  // namespace holdfast::sessions
