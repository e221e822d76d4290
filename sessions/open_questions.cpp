#include "sessions/open_questions.h"

#include <utility>

namespace holdfast::sessions {

/// What the handler holds.
class OpenQuestions::Handle final : public Question {
 public:
  explicit Handle(Pending& pending) : pending_(&pending) {}
  ~Handle() override {
    if (pending_ == nullptr) return;
    pending_->handle_ = nullptr;
    pending_->handler_ = nullptr;
    // Not on the stack: what has its response is closed.
    if (!pending_->outlasts_handler()) pending_->home_->open_.erase(pending_);
  }
  void forget() { pending_ = nullptr; }

 private:
  Pending* pending_;  // null: there is nothing to wait for (any more)
};

StoreHandler* OpenQuestions::Pending::close() {
  const auto at = home_->open_.find(this);
  home_->scheduler_.bury(std::move(at->second));
  home_->open_.erase(at);
  if (handle_ != nullptr) std::exchange(handle_, nullptr)->forget();
  return std::exchange(handler_, nullptr);
}

OpenQuestions::OpenQuestions(base::Scheduler& scheduler) : scheduler_(scheduler) {}

OpenQuestions::~OpenQuestions() {
  for (const auto& [key, pending] : open_) {
    if (pending->handle_ != nullptr) pending->handle_->forget();
  }
}

std::unique_ptr<Question> OpenQuestions::add(std::unique_ptr<Pending> pending, StoreHandler& handler) {
  Pending& open = *pending;
  auto handle = std::make_unique<Handle>(open);
  open.handler_ = &handler;
  open.handle_ = handle.get();
  add(std::move(pending));
  return handle;
}

void OpenQuestions::add(std::unique_ptr<Pending> pending) {
  pending->home_ = this;
  const Pending* const key = pending.get();
  open_.emplace(key, std::move(pending));
}

}  // namespace holdfast::sessions
