#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/time.h"
#include "sessions/backend_counts.h"
#include "sessions/memory_shard.h"
#include "sessions/store.h"

namespace holdfast::sessions {

struct MemoryStoreOptions {
  std::uint64_t sessions_max = 1'000'000;                  ///< At least 1.
  base::Duration idle_timeout = std::chrono::minutes{30};  ///< More than 0.
  std::uint64_t seed = 0;                                  ///< Of the hash; random, so that nobody can aim at a shard.
  base::Instant start{};                                   ///< No later than any `now` it will see.
};

/// One session as the operator sees it: a copy.
struct Session {
  Key key;
  Binding binding;
  base::Instant created{};
  base::Instant last_used{};
  std::uint32_t moves = 0;
};

/// The session map of a single proxy, in memory, shared by all workers: any thread, every function atomic by itself.
///
/// Sessions are spread over shards, each with its lock, held for well under a microsecond. About 61 bytes a session.
///
/// Times are kept in tenths of a second. A use is written down only when the last one written is older than
/// idle_timeout/64, at most 1 s: so a busy session costs its neighbours in the order of use nothing. A session never
/// expires early, and at most that much and 0.2 s late. An expired session is never found; its memory is reused when
/// somebody asks for it, when its shard is written to, or by expire().
///
/// At the cap the new session takes the place of the longest idle one of its shard. With up to 127 sessions there is
/// one shard, so that this is exact; with a million the victim is, nearly always, among the oldest thousandth of all.
/// Concurrent callers may pass the cap by one session each, for the length of a call.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options);

  std::optional<Found> find(const Key& key, base::Instant now) override;
  Binding bind(const Key& key, const Binding& wanted, base::Instant now) override;
  Binding move(const Key& key, const Binding& seen, BackendTag to, base::Instant now) override;
  void cookie_issued(const Key& key, base::Instant now) override;
  void end(const Key& key) override;
  /// An expired session counts until its memory is reused.
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::uint64_t size_of(BackendTag backend) const override { return counts_.of(backend); }

  /// Forgets up to `max` expired sessions; answers how many. For a periodic caller: goes on where it stopped, and holds
  /// a lock for a few dozen sessions at a time.
  std::size_t expire(base::Instant now, std::size_t max);

  /// Shows every session that is not expired to `visit`, until it answers false. Whoever lives throughout the walk is
  /// shown exactly once. No lock is held during a visit.
  void for_each(base::Instant now, const std::function<bool(const Session&)>& visit) const;

  std::uint64_t expired_total() const { return expired_.load(std::memory_order_relaxed); }
  std::uint64_t evicted_total() const { return evicted_.load(std::memory_order_relaxed); }
  /// All the memory the store holds.
  std::size_t memory_bytes() const;

 private:
  struct alignas(64) Part {
    mutable std::mutex mutex;
    MemoryShard shard{0};
  };
  enum class Room : std::uint8_t { Here, Elsewhere };

  Tick tick_of(base::Instant now) const;
  base::Instant instant_of(Tick tick) const;
  Part& part_of(const Key& key) const;
  bool is_expired(const Record& record, Tick now) const;
  void use(MemoryShard& shard, Record& record, Tick now) const;
  Record* find_live(MemoryShard& shard, const Key& key, Tick now);
  Room add(MemoryShard& shard, const Key& key, const Binding& binding, Tick now);
  void erase(MemoryShard& shard, Record& record);
  std::size_t expire_some(MemoryShard& shard, Tick now, std::size_t max);
  void evict_oldest(MemoryShard& shard);
  void evict_elsewhere(const Part& here);

  std::uint64_t sessions_max_;
  std::uint64_t seed_;
  base::Instant start_;
  std::uint64_t use_ticks_;   // how far a written use may lag behind the true one
  std::uint64_t idle_ticks_;  // that included
  std::size_t part_count_;
  std::unique_ptr<Part[]> parts_;
  BackendCounts counts_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> evicted_{0};
  std::atomic<std::size_t> expire_next_{0};
};

}  // namespace holdfast::sessions
