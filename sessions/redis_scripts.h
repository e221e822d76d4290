#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "redis/redis.h"
#include "sessions/redis_text.h"
#include "sessions/registry.h"
#include "sessions/session_usage.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// What all proxies do with sessions in Redis, as functions: typed arguments in, a parsed reply out. Nobody else makes
/// words for Redis, or reads its replies. One function for each script of lua_scripts, and two commands.
///
/// What is asked comes back by `done`, once and never from inside the call; destroying the call means it never comes.
/// Errors: those of redis::Redis, and Malformed for a reply that no script of ours gives.
///
/// Stateless: one for whoever asks, on the thread of its link. `redis` outlives it.
class RedisScripts {
 public:
  using Call = std::unique_ptr<redis::RedisCall>;
  template <class T>
  using Done = std::function<void(base::Result<T>)>;

  RedisScripts(redis::Redis& redis, RedisNames names, base::Duration idle_timeout);

  bool is_up() const { return redis_.is_up(); }
  const RedisNames& names() const { return names_; }

  // --- sessions ---

  /// With a generation: an offer, the later binding holds (is_later). Without one: a guess, of what is not bound yet.
  /// `unused`: how long nobody has used it.
  Call bind(std::string_view pool, const Key& key, const Binding& wanted, std::chrono::seconds unused,
            Done<BindResult> done);
  /// What a learned session came to, and who holds a guess of it still: each of them sends an ack.
  struct Learned {
    BindResult holds;
    std::vector<std::string> subscribers;
  };
  /// The app has set its id at `to`: that holds against guesses, and begins anew what was ended.
  Call learn(std::string_view pool, const Key& key, BackendTag to, const std::string& acks, Done<Learned> done);
  /// Compare-and-set from `seen` to `to`.
  Call move(std::string_view pool, const Key& key, const Binding& seen, BackendTag to, Done<BindResult> done);

  /// Who is to confirm a change, by Acks::Wait; empty: nobody.
  using AckAddress = std::string;
  /// What became of a change, and its subscribers: where there is an address, each of them sends an ack.
  struct Changed {
    std::uint64_t sessions = 0;  ///< How many it concerned.
    std::uint64_t left = 0;      ///< By clear(): how many are still there.
    std::vector<std::string> subscribers;
  };
  /// `known`: a generation it has had, or None. The end gets a later one.
  Call end(std::string_view pool, const Key& key, Generation known, Ending ending, const AckAddress& acks,
           Done<Changed> done);

  /// They were used just now.
  void touch(std::string_view pool, std::span<const Key> keys);

  // --- places in a pool with limits ---

  struct Reserve {
    std::string_view pool;
    std::string_view name;     ///< Of the place.
    base::Duration lasts{};    ///< It lapses by itself then.
    const Key* key = nullptr;  ///< A session that may be there already; nullptr: none.
    BackendTag backend = BackendTag::None;
    const SessionLimits& limits;
  };
  /// A place where sessions and places together leave one. The reservation of what is admitted is the caller's to add.
  Call reserve_slot(const Reserve& wanted, Done<Admission> done);
  void give_back(std::string_view pool, std::string_view name, BackendTag backend);

  // --- all sessions of backends ---

  /// One for each of `backends`, in their order.
  Call count(std::string_view pool, std::span<const BackendTag> backends, Done<std::vector<SessionUsage>> done);

  // For operators.
  Call find(std::string_view pool, const Key& key, Done<std::optional<Listed>> done);
  /// Each backend's most recently used first.
  Call list(std::string_view pool, std::span<const BackendTag> backends, std::size_t limit,
            Done<std::vector<Listed>> done);
  /// Binds a session that there is to another backend.
  Call put(std::string_view pool, const Key& key, BackendTag to, const AckAddress& acks, Done<Changed> done);
  /// Spreads up to `most` sessions of a backend over `to`, the longest unused first; ends them where that is empty.
  Call clear(std::string_view pool, BackendTag from, std::span<const BackendTag> to, std::size_t most,
             const AckAddress& acks, Done<Changed> done);

  // --- subscribers to changes ---

  /// Counts `process` among them until the lease ends, by Redis's clock; then `word` comes back on its own channel,
  /// behind all news of before.
  void renew_copy_lease(std::string_view process, base::Duration lease, std::string_view word);
  void drop_copy_lease(std::string_view process);
  /// `words` on the own channel of `process`.
  void send_ack(std::string_view process, std::string_view words);

 private:
  redis::Redis& redis_;
  const RedisNames names_;
  const std::string idle_ms_;   // how long Redis keeps an unused session
  const std::string active_s_;  // whoever was used within this time counts as active
};

}  // namespace holdfast::sessions
