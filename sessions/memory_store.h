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
#include "sessions/binding.h"
#include "sessions/memory_shard.h"

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

/// One session, or the mark that one has ended, with all that is worth handing to the process of the next upgrade.
struct SessionRecord {
  Key key;
  Binding binding;
  base::Instant created{};
  base::Instant last_used{};      ///< Of a mark: as if it were used later than now.
  base::Instant cookie_issued{};  ///< 0: never, or not known.
  bool operator==(const SessionRecord&) const = default;
};

/// The session map of a single proxy, in memory, and the copies a proxy among several keeps of what all agreed on.
/// Shared by all workers: any thread, every function atomic by itself.
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
class MemoryStore final {
 public:
  /// Taken before asking the others what holds: adopt() can tell from it whether the response may be out of date
  /// already.
  struct ReadStamp {
    std::uint16_t epoch = 0;
    std::uint32_t updates = 0;
  };

  explicit MemoryStore(const MemoryStoreOptions& options);

  // The six below are what Store promises, between the workers of this process.
  std::optional<LookupResult> find(const Key& key, base::Instant now);
  BindResult bind(const Key& key, const Binding& wanted, base::Instant now);
  BindResult learn(const Key& key, BackendTag to, base::Instant now);
  BindResult move(const Key& key, const Binding& seen, BackendTag to, base::Instant now);
  void cookie_issued(const Key& key, base::Instant now);
  /// Forgets the session.
  void end(const Key& key);
  /// Leaves a mark with the next known generation after `known` and that of the session, also of one that is not here.
  /// It lasts one and a half idle timeouts: as long as any ticket counts.
  void mark_ended(const Key& key, Generation known, base::Instant now);

  // Copies of what several proxies agree on.
  ReadStamp stamp_of(const Key& key) const;
  /// A response to a question asked at `stamp`: the later binding holds (is_later). Returns what holds now.
  Binding adopt(const Key& key, const Binding& agreed, const ReadStamp& stamp, base::Instant now);
  /// The same for a copy that is here, without counting as use.
  void adopt_unused(const Key& key, const Binding& agreed, const ReadStamp& stamp, base::Instant now);
  /// News of a move or an end: the later binding holds. Of what is not known here only an end is kept, as a mark.
  void apply_update(const Key& key, const Binding& news, base::Instant now);
  /// From now on no copy is sure until it is adopted again: news may have been missed.
  void invalidate_all();
  /// No copy of this one is sure until it is adopted again.
  void invalidate(const Key& key);

  /// Live sessions in all, and of one backend. Costs a lock, not a walk; not for the data path.
  /// An expired session counts until its memory is reused.
  std::uint64_t size() const;
  std::uint64_t size_of(BackendTag backend) const { return counts_.of(backend); }

  /// Forgets up to `max` expired sessions; returns how many. For a periodic caller: goes on where it stopped, and holds
  /// a lock for a few dozen sessions at a time.
  std::size_t expire(base::Instant now, std::size_t max);

  /// A session that is not expired, without counting as use.
  std::optional<Session> look(const Key& key, base::Instant now) const;

  /// Shows every session that is not expired to `visit`, until it returns false. Whoever lives throughout the walk is
  /// shown exactly once. No lock is held during a visit.
  void for_each(base::Instant now, const std::function<bool(const Session&)>& visit) const;

  /// A walk over the copies that are not sure, in steps: shows those of one step, each a live session, and returns
  /// where the next step begins, or nothing at the end.
  struct Walk {
    std::size_t part = 0;
    Slot slot = 0;
  };
  std::optional<Walk> invalidated(const Walk& from, base::Instant now,
                                  const std::function<void(const Session&)>& visit) const;
  /// The same over all sessions that are not expired.
  std::optional<Walk> walk(const Walk& from, base::Instant now, const std::function<void(const Session&)>& visit) const;

  // For an upgrade; all processes of a machine have the same monotonic clock.
  /// A walk over all that is not expired, in steps, as invalidated() does it.
  std::optional<Walk> export_sessions(const Walk& from, base::Instant now,
                                      const std::function<void(const SessionRecord&)>& visit) const;
  /// Into a store that began no later than the one it comes from. To be called in the order of use, the longest idle
  /// first; `now` is the true time.
  void import_session(const SessionRecord& session, base::Instant now);
  base::Instant start() const { return start_; }

  std::uint64_t expired_total() const { return expired_.load(std::memory_order_relaxed); }
  std::uint64_t evicted_total() const { return evicted_.load(std::memory_order_relaxed); }
  /// All the memory the store holds.
  std::size_t memory_bytes() const;

 private:
  struct alignas(64) Part {
    mutable std::mutex mutex;
    MemoryShard shard{0};
    std::uint32_t updates = 0;  // news so far
  };
  enum class Room : std::uint8_t { Here, Elsewhere };

  template <class Wanted>
  std::optional<Walk> step(const Walk& from, const std::function<void(const Session&)>& visit, Wanted wanted) const;
  Tick tick_of(base::Instant now) const;
  base::Instant instant_of(Tick tick) const;
  Part& part_of(const Key& key) const;
  bool is_expired(const Record& record, Tick now) const;
  bool use(MemoryShard& shard, Record& record, Tick now) const;
  Session session_of(const Record& record) const;
  void rebind(Record& record, const Binding& to);
  void rebind_until(MemoryShard& shard, Record& record, const Binding& to, Tick now);
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
  Tick news_ticks_;           // between two uses that are news
  std::size_t part_count_;
  std::unique_ptr<Part[]> parts_;
  BackendCounts counts_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> evicted_{0};
  std::atomic<std::size_t> expire_next_{0};
  std::atomic<std::uint16_t> epoch_{1};
};

}  // namespace holdfast::sessions
