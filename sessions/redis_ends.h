#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "sessions/acks.h"
#include "sessions/open_questions.h"
#include "sessions/redis_scripts.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// Brings the ends of sessions to Redis and to the other proxies, and tells whoever waits when all know. An end is not
/// given up because nobody waits for it any more, nor because Redis is away: then it is kept until Redis is back.
///
/// Part of a RedisStore, on its thread; references outlive it.
class RedisEnds {
 public:
  struct Options {
    base::Duration idle_timeout{};
    base::Duration patience{};  ///< How long the other proxies are waited for.
  };

  RedisEnds(RedisScripts& scripts, CopyLease& copy_lease, base::Scheduler& scheduler, const Options& options);

  /// The session has been ended here; `known` is the generation it had, or None. nullptr: nobody need wait, else the
  /// handler gets on_published().
  std::unique_ptr<Question> end(std::string_view pool, const Key& key, Generation known, Ending ending,
                                StoreHandler& handler);
  /// Ends that Redis does not know yet.
  std::size_t untold() const { return untold_.size(); }

  static constexpr std::size_t kUntoldMax = 10'000;  ///< Beyond that the oldest are forgotten.

 private:
  class End;
  struct Ended {
    std::string pool;
    Key key;
    Generation known = Generation::None;
    base::Instant when{};
  };

  void keep_untold(Ended what);
  void publish_untold();

  RedisScripts& scripts_;
  base::Scheduler& scheduler_;
  const Options options_;
  Acks acks_;
  OpenQuestions questions_;
  std::deque<Ended> untold_;  // Redis was away
  std::unique_ptr<base::Timer> untold_timer_;
};

}  // namespace holdfast::sessions
