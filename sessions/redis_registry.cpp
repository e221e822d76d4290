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
std::optional<Listed> parse_listed(const redis::RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() != 5) return std::nullopt;
  const auto news = parse_news(reply.items[0].text + " " + reply.items[1].text + " " + reply.items[2].text);
  const auto created = parse_seconds(reply.items[3].text);
  const auto last_used = parse_seconds(reply.items[4].text);
  if (!news || !created || !last_used) return std::nullopt;
  return Listed{news->key, news->binding, *created, *last_used};
}

}  // namespace

RedisRegistry::RedisRegistry(redis::Redis& redis, CopyLease& copy_lease, base::Scheduler& scheduler, Options options)
    : redis_(redis),
      scheduler_(scheduler),
      acks_(copy_lease, scheduler, options.patience),
      names_(std::move(options.names)),
      idle_ms_(kept_ms(options.idle_timeout)) {}

void RedisRegistry::run(const redis::RedisScript& script, const std::vector<std::string>& keys,
                        const std::vector<std::string>& args, OnReply on_reply) {
  const std::uint64_t number = ++last_call_;
  const std::vector<std::string_view> key_views(keys.begin(), keys.end());
  const std::vector<std::string_view> arg_views(args.begin(), args.end());
  calls_.emplace(number,
                 redis_.run(script, key_views, arg_views,
                            [this, number, on_reply = std::move(on_reply)](base::Result<redis::RedisReply> got) {
                              const auto call = std::move(calls_.at(number));  // lives until this returns
                              calls_.erase(number);
                              on_reply(std::move(got));
                            }));
}

void RedisRegistry::list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
                         Done<std::vector<Listed>> done) {
  std::vector<std::string> args{names_.base_of(pool), std::to_string(limit)};
  for (const BackendTag tag : backends) args.push_back(tag_text(tag));
  run(scripts::list(), {}, args, [done = std::move(done)](const base::Result<redis::RedisReply>& reply) {
    if (!reply) return done(reply.error());
    std::vector<Listed> found;
    for (const redis::RedisReply& item : reply->items) {
      if (const auto session = parse_listed(item)) found.push_back(*session);
    }
    done(std::move(found));
  });
}

void RedisRegistry::find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) {
  run(scripts::find(), {names_.session(pool, key)}, {names_.base_of(pool), id_text(key)},
      [done = std::move(done)](const base::Result<redis::RedisReply>& reply) {
        if (!reply) return done(reply.error());
        done(parse_listed(*reply));
      });
}

/// Runs a script that changes sessions and answers, at `subscribers_at`, who hears; then waits for their acks.
void RedisRegistry::run_acked(const Script& script, std::size_t subscribers_at,
                              std::function<void(const base::Result<Changed>&)> done) {
  const std::uint64_t number = ++last_wait_;
  auto changed = std::make_shared<Changed>();
  auto finish = std::make_shared<std::function<void(const base::Result<Changed>&)>>(
      [this, number, done = std::move(done)](const base::Result<Changed>& result) {
        scheduler_.bury(std::move(waits_.at(number)));
        waits_.erase(number);
        done(result);
      });
  auto wait = acks_.wait([changed, finish](Acked acked) {
    changed->acked = acked;
    (*finish)(std::move(*changed));
  });
  Acks::Wait& acks = *wait;
  waits_.emplace(number, std::move(wait));
  script(acks.address(), [changed, finish, subscribers_at, &acks](base::Result<redis::RedisReply> reply) {
    if (!reply) return (*finish)(reply.error());
    if (!reply->is_array() || reply->items.size() <= subscribers_at) {
      return (*finish)(base::Error{base::ErrorCode::Malformed, "an odd answer of Redis"});
    }
    changed->reply = std::move(*reply);
    acks.expect(changed->reply.items[subscribers_at]);
  });
}

void RedisRegistry::move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) {
  run_acked(
      [&](const std::string& address, OnReply on_reply) {
        run(scripts::put(), {names_.session(pool, key), names_.subscribers()},
            {names_.base_of(pool), id_text(key), tag_text(to), idle_ms_, names_.news(), address}, std::move(on_reply));
      },
      1,
      [done = std::move(done)](const base::Result<Changed>& changed) {
        if (!changed) return done(changed.error());
        done(Effect{.sessions = changed->reply.items[0].integer == 1 ? 1u : 0u, .acked = changed->acked});
      });
}

void RedisRegistry::end(const std::string& pool, const Key& key, Done<Effect> done) {
  find(pool, key, [this, pool, key, done = std::move(done)](const base::Result<std::optional<Listed>>& found) {
    if (!found) return done(found.error());
    if (!*found) return done(Effect{});
    run_acked(
        [&](const std::string& address, OnReply on_reply) {
          run(scripts::end(), {names_.session(pool, key), names_.subscribers()},
              {names_.base_of(pool), id_text(key), idle_ms_, names_.news(), "mark", "0", address}, std::move(on_reply));
        },
        1,
        [done](const base::Result<Changed>& changed) {
          if (!changed) return done(changed.error());
          done(Effect{.sessions = 1, .acked = changed->acked});
        });
  });
}

void RedisRegistry::clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
                          Done<Effect> done) {
  clear_some(pool, backend, to, {}, std::move(done));
}

/// Some after some, so that the others are served in between.
void RedisRegistry::clear_some(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
                               Effect so_far, Done<Effect> done) {
  run_acked(
      [&](const std::string& address, OnReply on_reply) {
        std::vector<std::string> args{
            names_.base_of(pool), tag_text(backend), idle_ms_, names_.news(), std::to_string(kClearedAtOnce), address};
        for (const BackendTag tag : to) args.push_back(tag_text(tag));
        run(scripts::clear(), {names_.subscribers()}, args, std::move(on_reply));
      },
      2,
      [this, pool, backend, to, so_far, done = std::move(done)](const base::Result<Changed>& changed) {
        if (!changed) return done(changed.error());
        const auto& items = changed->reply.items;
        Effect effect = so_far;
        effect.sessions += static_cast<std::uint64_t>(std::max<std::int64_t>(0, items[0].integer));
        if (changed->acked == Acked::NotByAll) effect.acked = Acked::NotByAll;
        if (items[1].integer == 0) return done(effect);
        clear_some(pool, backend, to, effect, done);
      });
}

}  // namespace holdfast::sessions
