#include "server/limit_watch.h"

#include "base/log.h"

namespace holdfast::server {

void LimitWatch::on_tick(base::Instant now) {
  for (const conf::Backend& backend : config_.settings->backends) {
    const bool is_full =
        backend.max_sessions > 0 && sessions_.size_of(config_.snapshot->tag_of(backend.id)) >= backend.max_sessions;
    workers_.loads()[conf::index(backend.id)].has_sessions_max.store(is_full, std::memory_order_relaxed);
  }
  for (const conf::Pool& pool : config_.settings->pools) {
    if (config_.snapshot->limits[conf::index(pool.id)] == nullptr) {
      pools_.erase(pool.name);
    } else {
      watch_pool(pool, now);
    }
  }
}

void LimitWatch::watch_pool(const conf::Pool& pool, base::Instant now) {
  FullWatch& watch = pools_[pool.name];
  switch (watch.look(now, refused(pool.id))) {
    case FullWatch::News::None:
      break;
    case FullWatch::News::Full:
      base::log::warn("pool_full", {{"pool", pool.name}, {"max_sessions", pool.max_sessions}});
      break;
    case FullWatch::News::RoomAgain:
      base::log::info("pool_has_room", {{"pool", pool.name}, {"refused", watch.refused()}});
      break;
  }
}

std::uint64_t LimitWatch::refused(conf::PoolId pool) const {
  std::uint64_t sum = 0;
  workers_.visit_counters(pool,
                          [&sum](const proxy::PoolCounters& counters) { sum += counters.sessions_refused.get(); });
  return sum;
}

}  // namespace holdfast::server
