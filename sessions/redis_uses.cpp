#include "sessions/redis_uses.h"

#include <algorithm>
#include <span>

namespace holdfast::sessions {

namespace {

constexpr base::Duration kPublishAfter = std::chrono::seconds{1};  // uses gather so long
constexpr std::size_t kWaitingMax = 100'000;
constexpr std::size_t kAtOnce = 500;  // in one script: Redis does nothing else meanwhile

}  // namespace

RedisUses::RedisUses(RedisScripts& scripts, base::Scheduler& scheduler)
    : scripts_(scripts), scheduler_(scheduler), timer_(scheduler.timer([this] { publish(); })) {}

void RedisUses::note(std::string_view pool, const Key& key) {
  if (waiting_ >= kWaitingMax) {
    ++dropped_;
    return;
  }
  auto at = std::ranges::find(pools_, pool, &OfPool::pool);
  if (at == pools_.end()) at = pools_.insert(pools_.end(), {std::string(pool), {}});
  at->keys.push_back(key);
  if (waiting_++ == 0) timer_->set(scheduler_.now() + kPublishAfter);
}

void RedisUses::publish() {
  if (!scripts_.is_up()) return timer_->set(scheduler_.now() + kPublishAfter);
  for (OfPool& uses : pools_) {
    const std::span<const Key> keys(uses.keys);
    for (std::size_t from = 0; from < keys.size(); from += kAtOnce) {
      scripts_.touch(uses.pool, keys.subspan(from, std::min(kAtOnce, keys.size() - from)));
    }
    uses.keys.clear();
  }
  waiting_ = 0;
}

}  // namespace holdfast::sessions
