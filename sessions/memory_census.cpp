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
      timer_(scheduler.timer([this] { go_on(); })) {}

void MemoryCensus::watch(const std::vector<BackendTag>& backends) {
  if (backends == watched_) return;
  watched_ = backends;
  std::erase_if(counted_, [this](const auto& counted) {
    return std::find(watched_.begin(), watched_.end(), counted.first) == watched_.end();
  });
  walk_.reset();
  if (watched_.empty()) return timer_->cancel();
  timer_->set(scheduler_.now());
}

std::optional<Census> MemoryCensus::of(BackendTag backend) const {
  const auto found = counted_.find(backend);
  return found == counted_.end() ? std::nullopt : std::optional(found->second);
}

void MemoryCensus::begin() {
  began_ = scheduler_.now();
  counting_.clear();
  for (const BackendTag backend : watched_) counting_.emplace(backend, Census{});
  walk_.emplace();
}

void MemoryCensus::go_on() {
  if (!walk_) begin();
  for (int i = 0; i < kStepsPerTurn && walk_; ++i) {
    walk_ = store_.walk(*walk_, began_, [this](const Session& session) { add(session); });
  }
  if (walk_) return timer_->set(scheduler_.now());
  counted_ = std::exchange(counting_, {});
  timer_->set(scheduler_.now() + kEvery);
}

void MemoryCensus::add(const Session& session) {
  const auto found = counting_.find(session.binding.backend);
  if (found == counting_.end()) return;
  Census& census = found->second;
  const base::Duration unused = std::max(began_ - session.last_used, base::Duration::zero());
  if (unused < active_within_) {
    ++census.active;
  } else {
    ++census.idle;
    census.idle_for = std::min(census.idle_for.value_or(unused), unused);
  }
}

}  // namespace holdfast::sessions
