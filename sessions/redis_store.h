#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "redis/redis.h"
#include "sessions/acks.h"
#include "sessions/copy_lease.h"
#include "sessions/memory_store.h"
#include "sessions/redis_text.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// The map that several proxies share, as one worker sees it: Redis says what holds, this process's copies answer
/// without asking while they are sure.
///
/// While Redis is away the copies decide alone; what they decided is offered when it is back (bindings by SharedMap,
/// ends from here). One per worker, on its thread; `copies`, `slots` and `copy_lease` are shared by all workers,
/// `redis` is the worker's own. All references outlive it.
class RedisStore final : public Store {
 public:
  struct Options {
    RedisNames names;
    base::Duration idle_timeout{};
    base::Duration patience = std::chrono::milliseconds{100};  ///< [redis] timeout: how long an end is waited for.
  };

  RedisStore(MemoryStore& copies, SessionSlots& slots, CopyLease& copy_lease, redis::Redis& redis,
             base::Scheduler& scheduler, Options options);
  ~RedisStore() override;

  std::optional<LookupResult> find(std::string_view pool, const Key& key, base::Instant now) override;
  AskedAdmission admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) override;
  Asked bind(std::string_view pool, const Key& key, const Binding& wanted, base::Instant now,
             StoreHandler& handler) override;
  BindResult begin(std::string_view pool, const Key& key, BackendTag to, base::Instant now) override;
  Asked move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, base::Instant now,
             StoreHandler& handler) override;
  void cookie_issued(const Key& key, base::Instant now) override;
  std::unique_ptr<Question> end(std::string_view pool, const Key& key, base::Instant now, Ending ending,
                                StoreHandler& handler) override;

  /// Uses that could not be told because too many were waiting.
  std::uint64_t uses_dropped() const { return uses_dropped_; }
  /// Ends that Redis does not know yet.
  std::size_t ends_untold() const { return untold_.size(); }

  static constexpr std::size_t kUntoldMax = 10'000;  ///< Beyond that the oldest are forgotten.

 private:
  class Pending;
  class Admitting;
  class SharedReservation;
  class End;
  class EndWait;
  struct Untold {
    std::string pool;
    Key key;
    Generation known = Generation::None;
    base::Instant ended{};
  };
  struct Uses {
    std::string pool;
    std::vector<std::string> ids;
  };

  void send_end(Untold what, Ending ending, EndWait* wait);
  void on_end_done(std::uint64_t number);
  void keep_untold(Untold what);
  void publish_ends();
  void note_use(std::string_view pool, const Key& key);
  void publish_uses();
  void offer(std::string_view pool, const Key& key, const Binding& binding);
  void on_offered(std::uint64_t number, const Key& key, const MemoryStore::ReadStamp& stamp,
                  const base::Result<redis::RedisReply>& reply);

  MemoryStore& copies_;
  SessionSlots& slots_;                        // while Redis is away
  std::shared_ptr<const SessionLimits> full_;  // of the pool that was last found full
  base::Instant full_until_{};
  CopyLease& copy_lease_;
  redis::Redis& redis_;
  base::Scheduler& scheduler_;
  const Options options_;
  Acks acks_;
  const std::string idle_ms_;  // how long Redis keeps an unused session
  std::vector<Uses> uses_;     // by pool, until they are told
  std::size_t uses_waiting_ = 0;
  std::uint64_t uses_dropped_ = 0;
  std::unique_ptr<base::Timer> publish_uses_timer_;
  std::unordered_map<std::uint64_t, std::unique_ptr<redis::RedisCall>> offers_;  // nobody waits for them
  std::uint64_t last_offer_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<End>> ends_;  // under way, whoever still waits for them
  std::uint64_t last_end_ = 0;
  std::deque<Untold> untold_;  // Redis was away
  std::unique_ptr<base::Timer> publish_ends_timer_;
};

/// How long Redis keeps a session that nobody uses, in milliseconds: a little longer than the idle timeout, as uses are
/// told in shares of it.
std::string kept_ms(base::Duration idle_timeout);

}  // namespace holdfast::sessions
