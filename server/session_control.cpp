#include "server/session_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sessions/order.h"
#include "sessions/redis_registry.h"

namespace holdfast::server {

namespace {
constexpr std::size_t kExpiredPerTick = 50'000;
}

SessionControl::SessionControl(const conf::Settings& settings, base::Scheduler& scheduler, redis::RedisHub* hub,
                               base::Random& random, base::Instant start)
    : is_shared_(settings.sessions.store == conf::SessionStore::Redis),
      scheduler_(scheduler),
      memory_({.sessions_max = settings.sessions.sessions_max,
               .idle_timeout = settings.sessions.idle_timeout,
               .seed = random.next(),
               .start = start}),
      copy_lease_(fmt::format("{:016x}", random.next())),
      hub_(hub) {
  if (!is_shared()) {
    usage_.emplace(memory_, scheduler, settings.sessions.idle_timeout);
    auto registry = std::make_unique<sessions::MemoryRegistry>(memory_, scheduler);
    memory_registry_ = registry.get();
    registry_ = std::move(registry);
    return;
  }
  const sessions::RedisNames names{settings.redis.prefix};
  map_ = std::make_unique<sessions::SharedMap>(memory_, copy_lease_, hub_->redis(), scheduler, names,
                                               settings.sessions.idle_timeout);
  hub_->watch([this](const redis::RedisState& state) {
    if (state.word == redis::RedisState::Word::Ok) map_->on_link_up();
  });
  hub_->subscribe(map_->channels(), *map_);
  registry_ = std::make_unique<sessions::RedisRegistry>(
      hub_->redis(), copy_lease_, scheduler,
      sessions::RedisRegistry::Options{
          .names = names, .idle_timeout = settings.sessions.idle_timeout, .patience = settings.redis.timeout});
}

SessionControl::~SessionControl() = default;

void SessionControl::start(const proxy::Snapshot& snapshot) {
  if (!map_) return;
  std::vector<sessions::SharedMap::Pool> pools;
  for (const conf::Pool& pool : snapshot.settings->pools) {
    auto& counted = pools.emplace_back();
    counted.name = pool.name;
    for (const conf::Backend& backend : snapshot.settings->backends_of(pool)) {
      counted.backends.push_back(snapshot.tag_of(backend.id));
    }
  }
  map_->set_pools(std::move(pools));
}

void SessionControl::on_worker_link(const redis::RedisState& now) {
  const bool is_up = now.word == redis::RedisState::Word::Ok;
  worker_links_ += is_up ? std::size_t{1} : ~std::size_t{0};
  if (is_up) {
    map_->on_link_up();
  } else {
    worker_trouble_ = now;
  }
}

void SessionControl::leave() {
  if (map_) map_->leave();
}

void SessionControl::take_orders(sessions::MemoryRegistry::Orders orders) {
  if (memory_registry_ != nullptr) memory_registry_->take_orders(orders);
}

void SessionControl::import_sessions(const std::vector<sessions::SessionRecord>& sessions) {
  if (is_shared()) return;  // Redis is another map
  for (const sessions::SessionRecord& session : sessions) memory_.import_session(session, scheduler_.now());
}

sessions::BindResult SessionControl::decide(const sessions::SessionChange& change) {
  if (!is_shared()) return apply(memory_, change, scheduler_.now());
  // An upgrade from a map in memory to one in Redis: what the old process still serves is its own business.
  switch (change.kind) {
    case sessions::SessionChange::Kind::Bind:
      return {{change.known.backend, std::max(change.known.generation, sessions::kFirstGuess)}, true};
    case sessions::SessionChange::Kind::Learn:
      return {{change.to, sessions::kFirstKnown}, true};
    case sessions::SessionChange::Kind::Move:
      return {{change.to, next(change.known.generation)}, true};
    default:
      return {};
  }
}

void SessionControl::on_tick() { memory_.expire(scheduler_.now(), kExpiredPerTick); }

std::uint64_t SessionControl::size_of(sessions::BackendTag backend) const {
  if (map_) {
    if (const auto size = map_->size_of(backend)) return *size;
  }
  return memory_.size_of(backend);
}

bool SessionControl::knows_all() const { return !map_ || (map_->has_counted() && !map_->is_catching_up()); }

std::optional<sessions::SessionUsage> SessionControl::usage_of(sessions::BackendTag backend) const {
  return map_ ? map_->usage_of(backend) : usage_->of(backend);
}

std::optional<redis::RedisState> SessionControl::state(std::size_t workers) const {
  if (!map_) return std::nullopt;
  const redis::RedisState& ours = hub_->redis().state();
  return ours.word == redis::RedisState::Word::Ok && worker_links_ < workers ? worker_trouble_ : ours;
}

}  // namespace holdfast::server
