#include "sessions/memory_census.h"

#include <algorithm>
#include <utility>

namespace holdfast::sessions {

namespace {
constexpr int kStepsPerTurn = 16;  // of a few hundred records each
}

MemoryCensus::MemoryCensus(const MemoryStore& store, base::Scheduler& scheduler, base::Duration idle_timeout)
    : store_(store),
      scheduler_(scheduler),
      active_within_(active_within(idle_timeout)),
      timer_(scheduler.timer([this] { go_on(); })) {
  timer_->set(scheduler_.now());
}

std::optional<Census> MemoryCensus::of(BackendTag backend) const {
  if (!counted_) return std::nullopt;
  const auto found = counted_->find(backend);
  if (found == counted_->end()) return Census{};
  Census census = found->second;
  if (census.idle_for) *census.idle_for += scheduler_.now() - counted_at_;
  return census;
}

base::Duration MemoryCensus::rest_after(std::uint64_t steps) {
  return std::min<base::Duration>(kEvery * (1 + steps / kStepsPerSecond), kLongest);
}

void MemoryCensus::go_on() {
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

void MemoryCensus::add(const Session& session) {
  Census& census = counting_[session.binding.backend];
  const base::Duration unused = std::max(began_ - session.last_used, base::Duration::zero());
  if (unused < active_within_) {
    ++census.active;
  } else {
    ++census.idle;
    census.idle_for = std::min(census.idle_for.value_or(unused), unused);
  }
}

}  // namespace holdfast::sessions
