#include "tests/support/fake_loop.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::tests {

class FakeLoop::FakeTimer final : public base::Timer {
 public:
  FakeTimer(FakeLoop& loop, std::function<void()> on_due) : loop_(loop), on_due_(std::move(on_due)) {
    loop_.timers_.push_back(this);
  }
  FakeTimer(const FakeTimer&) = delete;
  FakeTimer& operator=(const FakeTimer&) = delete;
  ~FakeTimer() override { std::erase(loop_.timers_, this); }

  void set(base::Instant due) override { due_ = due; }
  void cancel() override { due_.reset(); }
  bool is_set() const override { return due_.has_value(); }

  const std::optional<base::Instant>& due() const { return due_; }
  void fire() {
    due_.reset();
    on_due_();  // may destroy the timer: nothing after this line
  }

 private:
  FakeLoop& loop_;
  std::function<void()> on_due_;
  std::optional<base::Instant> due_;
};

FakeLoop::~FakeLoop() {
  end_turn();
  posted_.clear();
  base::check(timers_.empty(), "no timer outlives its loop");
}

std::unique_ptr<base::Timer> FakeLoop::timer(std::function<void()> on_due) {
  return std::make_unique<FakeTimer>(*this, std::move(on_due));
}

void FakeLoop::bury(std::unique_ptr<base::Buried> what) {
  if (what) graveyard_.push_back(std::move(what));
}

void FakeLoop::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
}

void FakeLoop::run() {
  int turns = 0;
  while (turn()) base::check(++turns < 100'000, "a fake loop comes to rest");
}

void FakeLoop::advance(base::Duration by) {
  const base::Instant until = clock_ + by;
  run();
  for (auto due = next_due(); due && *due <= until; due = next_due()) {
    set_clock(std::max(clock_, *due));
    run();
  }
  set_clock(until);
}

bool FakeLoop::turn() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  const auto due = next_due();
  const bool has_due = due && *due <= clock_;
  if (tasks.empty() && !has_due && graveyard_.empty()) return false;
  for (const auto& task : tasks) task();
  fire_due();
  end_turn();
  return true;
}

void FakeLoop::fire_due() {
  // What is set from here on belongs to the next turn, so the candidates are fixed first; each may die on the way.
  std::vector<std::pair<base::Instant, FakeTimer*>> candidates;
  for (FakeTimer* timer : timers_) {
    if (timer->due() && *timer->due() <= clock_) candidates.emplace_back(*timer->due(), timer);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [due, timer] : candidates) {
    if (std::find(timers_.begin(), timers_.end(), timer) == timers_.end()) continue;
    if (timer->due() == due) timer->fire();
  }
}

void FakeLoop::end_turn() {
  // What is destroyed may bury more.
  while (!graveyard_.empty()) {
    const auto buried = std::exchange(graveyard_, {});
  }
}

std::size_t FakeLoop::timers_set() const {
  return static_cast<std::size_t>(
      std::count_if(timers_.begin(), timers_.end(), [](const FakeTimer* timer) { return timer->is_set(); }));
}

std::optional<base::Instant> FakeLoop::next_due() const {
  std::optional<base::Instant> first;
  for (const FakeTimer* timer : timers_) {
    if (timer->due() && (!first || *timer->due() < *first)) first = timer->due();
  }
  return first;
}

}  // namespace holdfast::tests
