#include "sessions/redis_registry.h"

#include <utility>

namespace holdfast::sessions {

namespace {

constexpr std::size_t kClearedAtOnce = 200;  // by one script: Redis does nothing else meanwhile

}  // namespace

/// What is looked up, until Redis has replied.
template <class T>
class RedisRegistry::Lookup final : public OpenQuestions::Pending {
 public:
  explicit Lookup(Done<T> done) : done_(std::move(done)) {}

  /// What the call is made with.
  Done<T> on_reply() {
    return [this](base::Result<T> found) {
      close();
      done_(std::move(found));
    };
  }
  void keep(RedisScripts::Call call) { call_ = std::move(call); }

 private:
  const Done<T> done_;
  RedisScripts::Call call_;
};

/// A change under way: to Redis first, then to the other proxies until all have confirmed it, or had the time to.
class RedisRegistry::Order final : public OpenQuestions::Pending {
 public:
  Order(Acks& acks, Done<Outcome> done)
      : done_(std::move(done)), acks_(acks.wait([this](Acked acked) {
          finish(Outcome{std::move(changed_), acked});
        })) {}

  void begin(const MembershipChange& change) {
    call_ = change(acks_->address(), [this](base::Result<RedisScripts::Changed> reply) {
      if (!reply) return finish(reply.error());
      changed_ = *std::move(reply);
      acks_->expect(changed_.subscribers);
    });
  }

 private:
  void finish(base::Result<Outcome> outcome) {
    acks_->close();
    close();
    done_(std::move(outcome));
  }

  const Done<Outcome> done_;
  RedisScripts::Changed changed_;
  std::unique_ptr<Acks::Wait> acks_;
  RedisScripts::Call call_;
};

RedisRegistry::RedisRegistry(redis::Redis& redis, CopyLease& copy_lease, base::Scheduler& scheduler,
                             const Options& options)
    : scripts_(redis, options.names, options.idle_timeout),
      acks_(copy_lease, scheduler, options.patience),
      questions_(scheduler) {}

void RedisRegistry::list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
                         Done<std::vector<Listed>> done) {
  auto lookup = std::make_unique<Lookup<std::vector<Listed>>>(std::move(done));
  lookup->keep(scripts_.list(pool, backends, limit, lookup->on_reply()));
  questions_.add(std::move(lookup));
}

void RedisRegistry::find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) {
  auto lookup = std::make_unique<Lookup<std::optional<Listed>>>(std::move(done));
  lookup->keep(scripts_.find(pool, key, lookup->on_reply()));
  questions_.add(std::move(lookup));
}

void RedisRegistry::carry_out(const MembershipChange& change, Done<Outcome> done) {
  auto order = std::make_unique<Order>(acks_, std::move(done));
  order->begin(change);
  questions_.add(std::move(order));
}

void RedisRegistry::move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) {
  carry_out([&](const auto& acks, auto on_reply) { return scripts_.put(pool, key, to, acks, std::move(on_reply)); },
            [done = std::move(done)](const base::Result<Outcome>& outcome) {
              if (!outcome) return done(outcome.error());
              done(Effect{.sessions = outcome->changed.sessions, .acked = outcome->acked});
            });
}

void RedisRegistry::end(const std::string& pool, const Key& key, Done<Effect> done) {
  find(pool, key, [this, pool, key, done = std::move(done)](const base::Result<std::optional<Listed>>& found) {
    if (!found) return done(found.error());
    if (!*found) return done(Effect{});
    carry_out(
        [&](const auto& acks, auto on_reply) {
          return scripts_.end(pool, key, Generation::None, Ending::Mark, acks, std::move(on_reply));
        },
        [done](const base::Result<Outcome>& outcome) {
          if (!outcome) return done(outcome.error());
          done(Effect{.sessions = outcome->changed.sessions, .acked = outcome->acked});
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
  carry_out([&](const auto& acks,
                auto on_reply) { return scripts_.clear(pool, backend, to, kClearedAtOnce, acks, std::move(on_reply)); },
            [this, pool, backend, to, so_far, done = std::move(done)](const base::Result<Outcome>& outcome) {
              if (!outcome) return done(outcome.error());
              Effect effect = so_far;
              effect.sessions += outcome->changed.sessions;
              if (outcome->acked == Acked::NotByAll) effect.acked = Acked::NotByAll;
              if (outcome->changed.left == 0) return done(effect);
              clear_some(pool, backend, to, effect, done);
            });
}

}  // namespace holdfast::sessions
