#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace holdfast::net {

namespace {

timeval to_timeval(base::Duration d) {
  // Rounded up: a timer that fires early would only go to sleep again.
  const auto us = std::max<std::int64_t>(0, (d.count() + 999) / 1000);
  return {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

class LoopTimer final : public base::Timer {
 public:
  LoopTimer(Loop& loop, std::function<void()> on_due) : loop_(loop), on_due_(std::move(on_due)) {
    evtimer_assign(&event_, loop.raw(), &LoopTimer::on_event, this);
  }
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;
  ~LoopTimer() override { event_del(&event_); }

  void set(base::Instant due) override {
    due_ = due;
    is_set_ = true;
    if (!is_armed_ || due < armed_for_) arm();  // a later deadline is met by sleeping on when the earlier one fires
  }
  void cancel() override { is_set_ = false; }
  bool is_set() const override { return is_set_; }

 private:
  void arm() {
    const timeval wait = to_timeval(due_ - loop_.now());
    evtimer_add(&event_, &wait);
    armed_for_ = due_;
    is_armed_ = true;
  }

  static void on_event(evutil_socket_t, short, void* self) noexcept {
    auto& timer = *static_cast<LoopTimer*>(self);
    timer.is_armed_ = false;
    if (!timer.is_set_) return;
    if (timer.loop_.now() < timer.due_) return timer.arm();
    timer.is_set_ = false;
    timer.on_due_();  // may destroy the timer: nothing after this line
  }

  Loop& loop_;
  std::function<void()> on_due_;
  event event_{};
  base::Instant due_{};
  base::Instant armed_for_{};
  bool is_set_ = false;
  bool is_armed_ = false;
};

}  // namespace

/// The eventfd through which other threads wake this loop.
class Loop::Wakeup {
 public:
  explicit Wakeup(Loop& loop) : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    base::check(fd_ >= 0, "an eventfd can be made");
    event_assign(&event_, loop.raw(), fd_, EV_READ | EV_PERSIST | EV_ET, &Wakeup::on_event, &loop);
    event_add(&event_, nullptr);
  }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup() {
    event_del(&event_);
    ::close(fd_);
  }
  void wake() const { eventfd_write(fd_, 1); }

 private:
  // Edge-triggered: every write is an edge, so the counter need not be read.
  static void on_event(evutil_socket_t, short, void* loop) noexcept { static_cast<Loop*>(loop)->run_posted(); }

  int fd_;
  event event_{};
};

void Loop::BaseDeleter::operator()(event_base* base) const { event_base_free(base); }

Loop::Loop() {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);  // other threads come through the eventfd only
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE);
  base_.reset(event_base_new_with_config(config));
  event_config_free(config);
  base::check(base_ != nullptr, "libevent offers epoll");
  wakeup_ = std::make_unique<Wakeup>(*this);
}

Loop::~Loop() {
  end_turn();
  wakeup_.reset();
}

base::Instant Loop::read_clock() { return std::chrono::steady_clock::now(); }

std::unique_ptr<base::Timer> Loop::timer(std::function<void()> on_due) {
  return std::make_unique<LoopTimer>(*this, std::move(on_due));
}

void Loop::bury(std::unique_ptr<base::Buried> what) {
  if (what) graveyard_.push_back(std::move(what));
}

void Loop::post(std::function<void()> task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (was_empty) wakeup_->wake();
}

void Loop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

void Loop::end_turn() {
  // What is destroyed may bury more (a client buries its stream). Two lists in turn keep their room.
  while (!graveyard_.empty()) {
    graveyard_.swap(decaying_);
    decaying_.clear();
  }
}

void Loop::run() {
  forget_now();
  while (!stopping_) {
    event_base_loop(base_.get(), EVLOOP_ONCE);
    if (!graveyard_.empty()) end_turn();
    forget_now();
  }
}

void Loop::stop() {
  post([this] { stopping_ = true; });
}

}  // namespace holdfast::net
