#include "server/operators.h"

#include <utility>

namespace holdfast::server {

/// Done when every worker knows: an operator who is told that a backend drains sees no new user arrive there.
void Operators::obey(const admin::OperatorAsk& ask, admin::OperatorService::Done done) {
  const auto kept = parts_.backends.cluster().obey(ask);
  parts_.backends.monitor().publish();
  parts_.workers.on_all(&Worker::heartbeat, [kept, done = std::move(done)] { done(kept); });
}

void Operators::count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) {
  for (const conf::Backend& backend : parts_.config.settings->backends) {
    if (parts_.config.snapshot->tag_of(backend.id) != from) continue;
    return parts_.backends.ordered_moves().note(backend.id, reason, sessions);
  }
}

void Operators::take_roll(const admin::RollAsk& ask, admin::RollService::Done done) {
  const cluster::RollHolder wish{.id = ask.id, .backend = ask.backend, .by = ask.by, .since = {}};
  const auto on_holder = [pool = ask.pool, done = std::move(done)](base::Result<cluster::RollHolder> holder) {
    if (!holder) return done(holder.error());
    done(admin::RollAsk{.pool = pool,
                        .id = std::move(holder->id),
                        .backend = std::move(holder->backend),
                        .by = std::move(holder->by),
                        .since = holder->since});
  };
  parts_.backends.cluster().rolls().take(ask.pool, wish, on_holder);
}

}  // namespace holdfast::server
