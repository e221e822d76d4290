#include "sessions/session_usage_counter.h"

#include <algorithm>
#include <utility>

namespace holdfast::sessions {

namespace {
constexpr int kStepsPerTurn = 16;  // of a few hundred records each
}

SessionUsageCounter::SessionUsageCounter(const MemoryStore& store, base::Scheduler& scheduler,
                                         base::Duration idle_timeout)
    : store_(store),
      scheduler_(scheduler),
      active_within_(active_within(idle_timeout)),
      timer_(scheduler.timer([this] { go_on(); })) {
  timer_->set(scheduler_.now());
}

std::optional<SessionUsage> SessionUsageCounter::of(BackendTag backend) const {
  if (!counted_) return std::nullopt;
  const auto found = counted_->find(backend);
  if (found == counted_->end()) return SessionUsage{};
  SessionUsage usage = found->second;
  if (usage.idle_for) *usage.idle_for += scheduler_.now() - counted_at_;
  return usage;
}

base::Duration SessionUsageCounter::rest_after(std::uint64_t steps) {
  return std::min<base::Duration>(kEvery * (1 + steps / kStepsPerSecond), kLongest);
}

void SessionUsageCounter::go_on() {
  if (!walk_) {
    began_ = scheduler_.now();
    steps_ = 0;
    walk_.emplace();
  }
  for (int i = 0; i < kStepsPerTurn && walk_; ++i, ++steps_) {
    walk_ = store_.walk(*walk_, began_, [this](const Session& session) { add(session); });
  }
  if (walk_) return timer_->set(scheduler_.now());
  counted_ = std::exchange(counting_, {});
  counted_at_ = began_;
  timer_->set(scheduler_.now() + rest_after(steps_));
}

void SessionUsageCounter::add(const Session& session) {
  SessionUsage& usage = counting_[session.binding.backend];
  const base::Duration unused = std::max(began_ - session.last_used, base::Duration::zero());
  if (unused < active_within_) {
    ++usage.active;
  } else {
    ++usage.idle;
    usage.idle_for = std::min(usage.idle_for.value_or(unused), unused);
  }
}

}  // namespace holdfast::sessions
