#include "server/silence_watch.h"

#include <algorithm>
#include <utility>

namespace holdfast::server {

namespace {
constexpr base::Duration kLookEveryMin = std::chrono::milliseconds{50};
constexpr base::Duration kLookEveryMax = std::chrono::seconds{1};
constexpr int kLooksPerLimit = 5;
}  // namespace

SilenceWatch::SilenceWatch(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler,
                           const Workers& workers, health::Monitor& monitor)
    : scheduler_(scheduler), workers_(workers), monitor_(monitor), timer_(scheduler.timer([this] { look(); })) {
  reload(std::move(settings));
}

void SilenceWatch::reload(std::shared_ptr<const conf::Settings> settings) {
  settings_ = std::move(settings);
  silences_.resize(settings_->backend_ids());
  every_ = {};
  for (const conf::Pool& pool : settings_->pools) {
    if (pool.hung.silence == base::Duration::zero()) continue;
    const base::Duration wanted = std::clamp(pool.hung.silence / kLooksPerLimit, kLookEveryMin, kLookEveryMax);
    every_ = every_ == base::Duration::zero() ? wanted : std::min(every_, wanted);
  }
  if (every_ == base::Duration::zero()) return timer_->cancel();
  timer_->set(scheduler_.now() + every_);
}

void SilenceWatch::look() {
  const base::Instant now = scheduler_.now();
  for (const conf::Backend& backend : settings_->backends) {
    const std::size_t at = conf::index(backend.id);
    const proxy::BackendLoad& load = workers_.loads()[at];
    const std::uint32_t long_lived = load.long_lived.load(std::memory_order_relaxed);
    const std::uint32_t in_flight = load.in_flight.load(std::memory_order_relaxed);
    const health::Silence::Seen seen{
        .now = now, .waiting = in_flight - std::min(in_flight, long_lived), .responses = responses_of(backend.id)};
    health::Silence& silence = silences_[at];
    if (silence.is_notable(seen, settings_->pool(backend.pool).hung.silence)) {
      monitor_.on_silence(backend.id, silence.lasted(now));
    }
  }
  timer_->set(now + every_);
}

std::uint64_t SilenceWatch::responses_of(conf::BackendId id) const {
  std::uint64_t sum = 0;
  workers_.visit_counters(id, [&sum](const proxy::BackendCounters& counters) {
    for (const base::Counter& responses : counters.responses) sum += responses.get();
  });
  return sum;
}

}  // namespace holdfast::server
