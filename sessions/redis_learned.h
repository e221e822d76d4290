#pragma once

#include <memory>
#include <string_view>

#include "base/scheduler.h"
#include "sessions/acks.h"
#include "sessions/memory_store.h"
#include "sessions/open_questions.h"
#include "sessions/redis_scripts.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// Brings sessions that the app has begun to Redis, and tells whoever waits when every proxy will find them: Redis has
/// the session, and whoever held a guess of its id has heard.
///
/// Part of a RedisStore, on its thread; references outlive it.
class RedisLearned {
 public:
  /// Nobody is waited for longer than `patience`.
  RedisLearned(RedisScripts& scripts, MemoryStore& copies, CopyLease& copy_lease, base::Scheduler& scheduler,
               base::Duration patience);

  /// The copies have it already. `handler` hears on_published() unless it lets go of the question.
  std::unique_ptr<Question> publish(std::string_view pool, const Key& key, BackendTag to, StoreHandler& handler);
  /// The same, and nobody waits.
  void publish(std::string_view pool, const Key& key, BackendTag to);

 private:
  class Learning;

  RedisScripts& scripts_;
  MemoryStore& copies_;
  base::Scheduler& scheduler_;
  Acks acks_;
  OpenQuestions questions_;
};

}  // namespace holdfast::sessions
