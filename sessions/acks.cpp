#include "sessions/acks.h"

#include <algorithm>
#include <utility>

namespace holdfast::sessions {

Acks::Acks(CopyLease& copy_lease, base::Scheduler& scheduler, base::Duration patience)
    : copy_lease_(copy_lease),
      scheduler_(scheduler),
      patience_(patience),
      handler_(copy_lease.join(scheduler, *this)) {}

Acks::~Acks() { copy_lease_.leave(handler_); }

std::unique_ptr<Acks::Wait> Acks::wait(std::function<void(Acked)> done) {
  return std::make_unique<Wait>(*this, ++last_, std::move(done));
}

void Acks::on_ack(std::uint64_t number, std::string_view subscriber) {
  const auto at = open_.find(number);
  if (at != open_.end()) at->second->on_ack(subscriber);
}

Acks::Wait::Wait(Acks& acks, std::uint64_t number, std::function<void(Acked)> done)
    : acks_(acks),
      number_(number),
      address_(acks.copy_lease_.self() + " " + std::to_string(acks.handler_) + " " + std::to_string(number)),
      due_(acks.scheduler_.now() + acks.patience_),
      done_(std::move(done)),
      timer_(acks.scheduler_.timer([this] { finish(Acked::NotByAll); })) {
  acks_.open_.emplace(number_, this);
}

Acks::Wait::~Wait() { close(); }

void Acks::Wait::close() {
  if (!std::exchange(is_open_, false)) return;
  timer_->cancel();
  acks_.open_.erase(number_);
}

void Acks::Wait::expect(const std::vector<std::string>& subscribers) {
  is_expecting_ = true;
  const std::size_t count = std::min(subscribers.size(), kSubscribersMax);
  expected_.assign(subscribers.begin(), subscribers.begin() + static_cast<std::ptrdiff_t>(count));
  if (is_complete()) return finish(Acked::ByAll);
  timer_->set(due_);
}

void Acks::Wait::on_ack(std::string_view subscriber) {
  if (got_.size() >= kSubscribersMax) return;
  got_.emplace_back(subscriber);
  if (is_expecting_ && is_complete()) finish(Acked::ByAll);
}

bool Acks::Wait::is_complete() const {
  return std::all_of(expected_.begin(), expected_.end(), [&](const std::string& subscriber) {
    return std::find(got_.begin(), got_.end(), subscriber) != got_.end();
  });
}

void Acks::Wait::finish(Acked acked) {
  close();
  done_(acked);
}

}  // namespace holdfast::sessions
