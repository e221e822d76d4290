#include "server/loop_watch.h"

#include <algorithm>

#include "base/log.h"

namespace holdfast::server {

LoopWatch::LoopWatch(base::Scheduler& scheduler, std::size_t workers, base::Duration interval, Owner& owner)
    : scheduler_(scheduler),
      interval_(interval),
      owner_(owner),
      has_answered_(workers, false),
      is_hung_(workers, false),
      due_(scheduler.timer([this] { on_due(); })) {}

void LoopWatch::start() {
  ask_all();
  owner_.on_all_turning();
  due_->set(scheduler_.now() + interval_);
}

void LoopWatch::ask_all() {
  for (std::size_t worker = 0; worker < has_answered_.size(); ++worker) {
    // One that has still to answer is not asked again: what it finds when it turns is one question.
    if (is_hung_[worker]) continue;
    has_answered_[worker] = false;
    owner_.on_ask(worker);
  }
}

void LoopWatch::on_due() {
  for (std::size_t worker = 0; worker < has_answered_.size(); ++worker) {
    if (is_hung_[worker] == !has_answered_[worker]) continue;
    is_hung_[worker] = !has_answered_[worker];
    if (is_hung_[worker]) {
      base::log::error("worker_hung", {{"worker", worker}, {"silent_ms", base::count_ms(interval_)}});
    } else {
      base::log::warn("worker_turns_again", {{"worker", worker}});
    }
  }
  if (std::none_of(is_hung_.begin(), is_hung_.end(), [](bool is_hung) { return is_hung; })) owner_.on_all_turning();
  ask_all();
  due_->set(scheduler_.now() + interval_);
}

}  // namespace holdfast::server
