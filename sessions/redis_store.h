#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/scheduler.h"
#include "sessions/copy_lease.h"
#include "sessions/memory_store.h"
#include "sessions/open_questions.h"
#include "sessions/redis_admission.h"
#include "sessions/redis_ends.h"
#include "sessions/redis_learned.h"
#include "sessions/redis_scripts.h"
#include "sessions/redis_uses.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// The map that several proxies share, as one worker sees it: Redis says what holds, this process's copies are
/// used without asking while they are sure.
///
/// While Redis is away the copies decide alone; what they decided is offered when it is back (bindings by SharedMap,
/// ends by RedisEnds). One per worker, on its thread; `copies`, `slots` and `copy_lease` are shared by all workers,
/// `redis` is the worker's own. All references outlive it.
class RedisStore final : public Store {
 public:
  struct Options {
    RedisNames names;
    base::Duration idle_timeout{};
    base::Duration patience = std::chrono::milliseconds{100};  ///< [redis] timeout: how long an end is waited for.
  };

  RedisStore(MemoryStore& copies, SessionSlots& slots, CopyLease& copy_lease, redis::Redis& redis,
             base::Scheduler& scheduler, const Options& options);
  ~RedisStore() override;

  std::optional<LookupResult> find(std::string_view pool, const Key& key, base::Instant now) override;
  AskedAdmission admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) override;
  Asked bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
             StoreHandler& handler) override;
  BindResult begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) override;
  Asked learn(std::string_view pool, const Key& key, BackendTag to, Wait wait, base::Instant now,
              StoreHandler& handler) override;
  Asked move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
             StoreHandler& handler) override;
  void cookie_issued(const Key& key, base::Instant now) override;
  std::unique_ptr<Question> end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                StoreHandler& handler) override;

  /// Uses that could not be told because too many were waiting.
  std::uint64_t uses_dropped() const { return uses_.dropped(); }
  /// Ends that Redis does not know yet.
  std::size_t ends_untold() const { return ends_.untold(); }

 private:
  class Asking;
  class Offer;

  void offer(std::string_view pool, const Key& key, const Binding& binding);

  MemoryStore& copies_;
  CopyLease& copy_lease_;
  base::Scheduler& scheduler_;
  RedisScripts scripts_;
  RedisAdmission admission_;
  RedisEnds ends_;
  RedisLearned learned_;
  RedisUses uses_;
  OpenQuestions questions_;
};

}  // namespace holdfast::sessions
