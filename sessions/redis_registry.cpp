#include "sessions/redis_registry.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sessions/redis_scripts.h"
#include "sessions/redis_store.h"

namespace holdfast::sessions {

namespace {

constexpr std::size_t kClearedAtOnce = 200;  // by one script: Redis does nothing else meanwhile

std::optional<base::WallTime> parse_seconds(const std::string& text) {
  const auto seconds = base::parse_decimal(text);
  if (!seconds) return std::nullopt;
  return base::WallTime{std::chrono::seconds{*seconds}};
}

// {id, generation, tag, created, last used}
std::optional<Listed> parse_listed(const net::RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() != 5) return std::nullopt;
  const auto news = parse_news(reply.items[0].text + " " + reply.items[1].text + " " + reply.items[2].text);
  const auto created = parse_seconds(reply.items[3].text);
  const auto last_used = parse_seconds(reply.items[4].text);
  if (!news || !created || !last_used) return std::nullopt;
  return Listed{news->key, news->binding, *created, *last_used};
}

}  // namespace

RedisRegistry::RedisRegistry(net::Redis& redis, RedisNames names, base::Duration idle_timeout)
    : redis_(redis), names_(std::move(names)), idle_ms_(kept_ms(idle_timeout)) {}

void RedisRegistry::run(const net::RedisScript& script, const std::vector<std::string>& keys,
                        const std::vector<std::string>& args, OnReply on_reply) {
  const std::uint64_t number = ++last_call_;
  const std::vector<std::string_view> key_views(keys.begin(), keys.end());
  const std::vector<std::string_view> arg_views(args.begin(), args.end());
  calls_.emplace(number, redis_.run(script, key_views, arg_views,
                                    [this, number, on_reply = std::move(on_reply)](base::Result<net::RedisReply> got) {
                                      const auto call = std::move(calls_.at(number));  // lives until this returns
                                      calls_.erase(number);
                                      on_reply(std::move(got));
                                    }));
}

void RedisRegistry::list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
                         Done<std::vector<Listed>> done) {
  std::vector<std::string> args{names_.base_of(pool), std::to_string(limit)};
  for (const BackendTag tag : backends) args.push_back(tag_text(tag));
  run(scripts::list(), {}, args, [done = std::move(done)](const base::Result<net::RedisReply>& reply) {
    if (!reply) return done(reply.error());
    std::vector<Listed> found;
    for (const net::RedisReply& item : reply->items) {
      if (const auto session = parse_listed(item)) found.push_back(*session);
    }
    done(std::move(found));
  });
}

void RedisRegistry::find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) {
  run(scripts::find(), {names_.session(pool, key)}, {names_.base_of(pool), id_text(key)},
      [done = std::move(done)](const base::Result<net::RedisReply>& reply) {
        if (!reply) return done(reply.error());
        done(parse_listed(*reply));
      });
}

void RedisRegistry::move(const std::string& pool, const Key& key, BackendTag to, Done<bool> done) {
  run(scripts::put(), {names_.session(pool, key)},
      {names_.base_of(pool), id_text(key), tag_text(to), idle_ms_, names_.news()},
      [done = std::move(done)](const base::Result<net::RedisReply>& reply) {
        if (!reply) return done(reply.error());
        done(reply->integer == 1);
      });
}

void RedisRegistry::end(const std::string& pool, const Key& key, Done<bool> done) {
  find(pool, key, [this, pool, key, done = std::move(done)](const base::Result<std::optional<Listed>>& found) {
    if (!found) return done(found.error());
    if (!*found) return done(false);
    run(scripts::end(), {names_.session(pool, key)},
        {names_.base_of(pool), id_text(key), idle_ms_, names_.news(), "mark", "0"},
        [done](const base::Result<net::RedisReply>& reply) {
          if (!reply) return done(reply.error());
          done(true);
        });
  });
}

void RedisRegistry::clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
                          Done<std::uint64_t> done) {
  clear_some(pool, backend, to, 0, std::move(done));
}

/// Some after some, so that the others are served in between.
void RedisRegistry::clear_some(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
                               std::uint64_t so_far, Done<std::uint64_t> done) {
  std::vector<std::string> args{names_.base_of(pool), tag_text(backend), idle_ms_, names_.news(),
                                std::to_string(kClearedAtOnce)};
  for (const BackendTag tag : to) args.push_back(tag_text(tag));
  run(scripts::clear(), {}, args,
      [this, pool, backend, to, so_far, done = std::move(done)](const base::Result<net::RedisReply>& reply) {
        if (!reply) return done(reply.error());
        if (reply->items.size() != 2) return done(base::Error{base::ErrorCode::Malformed, "an odd answer of Redis"});
        const auto cleared = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply->items[0].integer));
        if (reply->items[1].integer == 0) return done(so_far + cleared);
        clear_some(pool, backend, to, so_far + cleared, done);
      });
}

}  // namespace holdfast::sessions
