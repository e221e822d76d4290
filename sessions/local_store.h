#pragma once

#include "sessions/memory_store.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// The map of a single proxy: the memory store answers everything, at once. One per worker; `memory` outlives it.
class LocalStore final : public Store {
 public:
  explicit LocalStore(MemoryStore& memory) : memory_(memory) {}

  std::optional<Found> find(std::string_view, const Key& key, base::Instant now) override {
    return memory_.find(key, now);
  }
  Asked bind(std::string_view, const Key& key, const Binding& wanted, base::Instant now, Asker&) override {
    return {.now = memory_.bind(key, wanted, now), .later = nullptr};
  }
  Held begin(std::string_view, const Key& key, BackendTag to, base::Instant now) override {
    return memory_.bind(key, {to, Generation::None}, now);
  }
  Asked move(std::string_view, const Key& key, const Binding& seen, BackendTag to, base::Instant now, Asker&) override {
    return {.now = memory_.move(key, seen, to, now), .later = nullptr};
  }
  void cookie_issued(const Key& key, base::Instant now) override { memory_.cookie_issued(key, now); }
  std::unique_ptr<Question> end(std::string_view, const Key& key, base::Instant now, Ending ending, Asker&) override {
    if (ending == Ending::Mark) {
      memory_.mark_ended(key, now);
    } else {
      memory_.end(key);
    }
    return nullptr;
  }

 private:
  MemoryStore& memory_;
};

}  // namespace holdfast::sessions
