#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sessions/memory_store.h"
#include "sessions/order.h"
#include "sessions/store.h"

namespace holdfast::tests {

/// A map that answers when the test says so: every bind and move is a question until respond() is called.
class LaterStore final : public sessions::Store {
 public:
  sessions::MemoryStore memory{{}};
  sessions::SessionSlots slots{memory};

  std::optional<sessions::LookupResult> find(std::string_view, const sessions::Key& key, base::Instant now) override {
    auto found = memory.find(key, now);
    if (found && invalidates) found->is_sure = false;
    return found;
  }
  sessions::AskedAdmission admit(const sessions::AdmissionRequest& request, base::Instant,
                                 sessions::StoreHandler& handler) override {
    auto pending = std::make_shared<Pending>(Pending{handler, nullptr});
    pending->admit = [this, limits = request.limits, backend = request.backend] {
      return slots.take(*limits, backend);
    };
    questions_.push_back(pending);
    return {.now = {}, .later = std::make_unique<Handle>(std::move(pending))};
  }
  sessions::Asked bind(std::string_view, const sessions::Key& key, const sessions::Binding& wanted, base::Instant now,
                       sessions::StoreHandler& handler) override {
    return ask(handler, [this, key, wanted, now] { return memory.bind(key, wanted, now); });
  }
  sessions::BindResult begin(std::string_view, const sessions::Key& key, sessions::BackendTag to,
                             base::Instant now) override {
    return memory.bind(key, {to, sessions::kFirstKnown}, now);
  }
  sessions::Asked learn(std::string_view, const sessions::Key& key, sessions::BackendTag to, Wait wait,
                        base::Instant now, sessions::StoreHandler& handler) override {
    sessions::Asked learned{.now = memory.learn(key, to, now), .later = nullptr};
    if (wait == Wait::Yes && publishes_late) learned.later = std::move(ask(handler, nullptr).later);
    return learned;
  }
  sessions::Asked move(std::string_view, const sessions::Key& key, const sessions::Binding& seen,
                       sessions::BackendTag to, base::Instant now, sessions::StoreHandler& handler) override {
    return ask(handler, [this, key, seen, to, now] { return memory.move(key, seen, to, now); });
  }
  void cookie_issued(const sessions::Key& key, base::Instant now) override { memory.cookie_issued(key, now); }
  std::unique_ptr<sessions::Question> end(std::string_view, const sessions::Key& key, base::Instant now,
                                          sessions::Ending ending, sessions::StoreHandler& handler) override {
    if (ending == sessions::Ending::Mark) {
      memory.mark_ended(key, {}, now);
    } else {
      memory.end(key);
    }
    return std::move(ask(handler, nullptr).later);
  }

  /// Answers the oldest question, or says that what was ended is ended everywhere; false when there is none.
  bool respond() {
    while (!questions_.empty()) {
      const auto question = std::move(questions_.front());
      questions_.pop_front();
      if (question->is_cancelled) continue;
      if (question->admit) {
        question->handler.on_admission(question->admit());
      } else if (question->decide) {
        question->handler.on_binding(question->decide());
      } else {
        question->handler.on_published();
      }
      return true;
    }
    return false;
  }
  std::size_t open_questions() const {
    return static_cast<std::size_t>(std::count_if(questions_.begin(), questions_.end(),
                                                  [](const auto& question) { return !question->is_cancelled; }));
  }

  bool invalidates = false;
  bool publishes_late = false;  ///< What is learned, too.

 private:
  struct Pending {
    sessions::StoreHandler& handler;
    std::function<sessions::BindResult()> decide;
    std::function<sessions::Admission()> admit = nullptr;
    bool is_cancelled = false;
  };
  class Handle final : public sessions::Question {
   public:
    explicit Handle(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
    ~Handle() override { pending_->is_cancelled = true; }

   private:
    std::shared_ptr<Pending> pending_;
  };

  sessions::Asked ask(sessions::StoreHandler& handler, std::function<sessions::BindResult()> decide) {
    questions_.push_back(std::make_shared<Pending>(Pending{handler, std::move(decide)}));
    return {.now = {}, .later = std::make_unique<Handle>(questions_.back())};
  }

  std::deque<std::shared_ptr<Pending>> questions_;
};

}  // namespace holdfast::tests
