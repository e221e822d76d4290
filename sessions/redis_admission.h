#pragma once

#include <memory>
#include <string_view>

#include "base/scheduler.h"
#include "sessions/open_questions.h"
#include "sessions/redis_scripts.h"
#include "sessions/session_slots.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// Lets sessions into pools with limits: Redis has the places of all proxies. If it does not reply, this process's
/// own places are what there is.
///
/// Part of a RedisStore, on its thread; references outlive it.
class RedisAdmission {
 public:
  /// `process` names this process among all.
  RedisAdmission(RedisScripts& scripts, SessionSlots& slots, std::string_view process, base::Scheduler& scheduler);

  /// As Store::admit().
  AskedAdmission admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler);

 private:
  class Asking;
  class SharedReservation;

  RedisScripts& scripts_;
  SessionSlots& slots_;  // while Redis is away
  const std::string process_;
  base::Scheduler& scheduler_;
  std::shared_ptr<const SessionLimits> full_;  // of the pool that was last found full
  base::Instant full_until_{};
  OpenQuestions questions_;
};

}  // namespace holdfast::sessions
