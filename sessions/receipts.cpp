#include "sessions/receipts.h"

#include <algorithm>
#include <utility>

namespace holdfast::sessions {

Receipts::Receipts(Hearing& hearing, base::Scheduler& scheduler, base::Duration patience)
    : hearing_(hearing), scheduler_(scheduler), patience_(patience), desk_(hearing.join(scheduler, *this)) {}

Receipts::~Receipts() { hearing_.leave(desk_); }

std::unique_ptr<Receipts::Wait> Receipts::wait(std::function<void(Heard)> done) {
  return std::make_unique<Wait>(*this, ++last_, std::move(done));
}

void Receipts::on_receipt(std::uint64_t number, std::string_view hearer) {
  const auto at = open_.find(number);
  if (at != open_.end()) at->second->on_receipt(hearer);
}

Receipts::Wait::Wait(Receipts& receipts, std::uint64_t number, std::function<void(Heard)> done)
    : receipts_(receipts),
      number_(number),
      address_(receipts.hearing_.self() + " " + std::to_string(receipts.desk_) + " " + std::to_string(number)),
      due_(receipts.scheduler_.now() + receipts.patience_),
      done_(std::move(done)),
      timer_(receipts.scheduler_.timer([this] { finish(Heard::NotByAll); })) {
  receipts_.open_.emplace(number_, this);
}

Receipts::Wait::~Wait() { receipts_.open_.erase(number_); }

void Receipts::Wait::expect(const redis::RedisReply& hearers) {
  is_expecting_ = true;
  for (const redis::RedisReply& hearer : hearers.items) {
    if (expected_.size() < kHearersMax) expected_.push_back(hearer.text);
  }
  if (is_complete()) return finish(Heard::ByAll);
  timer_->set(due_);
}

void Receipts::Wait::on_receipt(std::string_view hearer) {
  if (got_.size() >= kHearersMax) return;
  got_.emplace_back(hearer);
  if (is_expecting_ && is_complete()) finish(Heard::ByAll);
}

bool Receipts::Wait::is_complete() const {
  return std::all_of(expected_.begin(), expected_.end(), [&](const std::string& hearer) {
    return std::find(got_.begin(), got_.end(), hearer) != got_.end();
  });
}

void Receipts::Wait::finish(Heard heard) {
  if (!done_) return;
  timer_->cancel();
  const auto done = std::exchange(done_, nullptr);
  done(heard);  // may destroy this: nothing after this line
}

}  // namespace holdfast::sessions
