#include "sessions/memory_store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <utility>

#include "base/check.h"
#include "sessions/order.h"

namespace holdfast::sessions {

namespace {

constexpr base::Duration kTick = std::chrono::milliseconds{100};
constexpr std::uint64_t kUseTicksMax = std::chrono::seconds{1} / kTick;
constexpr std::uint64_t kUseShare = 64;         // of the idle timeout: what a written use may lag behind
constexpr std::size_t kPartsMax = 128;          // locks; far more than workers
constexpr std::uint64_t kSessionsPerPart = 64;  // at the cap, at least: no shard is empty then, but by a wonder
constexpr std::size_t kExpirePerWrite = 2;      // more than one for one added: old sessions shrink away
constexpr std::size_t kExpirePerLock = 64;
constexpr Slot kCopiesPerLock = 256;
constexpr std::uint64_t kTickMax = std::numeric_limits<Tick>::max();

Binding binding_of(const Record& record) { return {record.backend, record.generation}; }

}  // namespace

MemoryStore::MemoryStore(const MemoryStoreOptions& options)
    : sessions_max_(options.sessions_max), seed_(options.seed), start_(options.start) {
  base::check(options.sessions_max > 0 && options.idle_timeout > base::Duration::zero(), "store limits are positive");
  const auto idle = static_cast<std::uint64_t>((options.idle_timeout - base::Duration{1}) / kTick) + 1;
  use_ticks_ = std::min(idle / kUseShare, kUseTicksMax);
  idle_ticks_ = idle + use_ticks_;
  news_ticks_ = static_cast<Tick>(std::clamp<std::uint64_t>(idle / kUseShare, 1, kTickMax));
  const auto parts = std::bit_floor(std::max<std::uint64_t>(sessions_max_ / kSessionsPerPart, 1));
  part_count_ = static_cast<std::size_t>(std::min<std::uint64_t>(parts, kPartsMax));
  parts_ = std::make_unique<Part[]>(part_count_);
  for (std::size_t i = 0; i < part_count_; ++i) parts_[i].shard = MemoryShard(seed_);
}

std::optional<LookupResult> MemoryStore::find(const Key& key, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  Record* record = find_live(part.shard, key, tick);
  if (record == nullptr) return std::nullopt;
  const bool is_news = use(part.shard, *record, tick);
  return LookupResult{.binding = binding_of(*record),
                      .cookie_issued = instant_of(record->cookie_issued),
                      .is_sure = record->epoch == epoch_.load(std::memory_order_relaxed),
                      .use_is_news = is_news};
}

BindResult MemoryStore::bind(const Key& key, const Binding& wanted, base::Instant now) {
  base::check(wanted.backend != BackendTag::None, "a session is bound to a backend");
  const Tick tick = tick_of(now);
  const Binding first{wanted.backend, std::max(wanted.generation, kFirstGuess)};
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    if (Record* record = find_live(part.shard, key, tick); record != nullptr) {
      use(part.shard, *record, tick);
      const bool is_offer = wanted.generation != Generation::None;
      if (!is_offer || !is_later(key, first, binding_of(*record))) return {binding_of(*record), false};
      rebind_until(part.shard, *record, first, tick);
      return {first, true};
    }
    const Room room = add(part.shard, key, first, tick);
    if (first.backend == BackendTag::Ended) rebind_until(part.shard, *part.shard.find(key), first, tick);
    if (room == Room::Here) return {first, true};
  }
  evict_elsewhere(part);
  return {first, true};
}

BindResult MemoryStore::learn(const Key& key, BackendTag to, base::Instant now) {
  base::check(to != BackendTag::None, "a session is bound to a backend");
  const Tick tick = tick_of(now);
  Binding learned{to, kFirstKnown};
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    if (Record* record = find_live(part.shard, key, tick); record != nullptr) {
      use(part.shard, *record, tick);
      const bool was_ended = record->backend == BackendTag::Ended;
      if (was_ended) learned.generation = next_known(record->generation);
      if (!was_ended && !is_guess(record->generation)) return {binding_of(*record), false};
      rebind_until(part.shard, *record, learned, tick);
      return {learned, true};
    }
    if (add(part.shard, key, learned, tick) == Room::Here) return {learned, true};
  }
  evict_elsewhere(part);
  return {learned, true};
}

BindResult MemoryStore::move(const Key& key, const Binding& seen, BackendTag to, base::Instant now) {
  base::check(to != BackendTag::None, "a session moves to a backend");
  const Tick tick = tick_of(now);
  const Binding moved{to, next(seen.generation)};
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    if (Record* record = find_live(part.shard, key, tick); record != nullptr) {
      use(part.shard, *record, tick);
      if (binding_of(*record) != seen) return {binding_of(*record), false};
      rebind(*record, moved);
      return {moved, true};
    }
    if (add(part.shard, key, moved, tick) == Room::Here) return {moved, true};
  }
  evict_elsewhere(part);
  return {moved, true};
}

void MemoryStore::cookie_issued(const Key& key, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  if (Record* record = find_live(part.shard, key, tick); record != nullptr) record->cookie_issued = tick;
}

void MemoryStore::end(const Key& key) {
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  if (Record* record = part.shard.find(key); record != nullptr) erase(part.shard, *record);
}

void MemoryStore::mark_ended(const Key& key, Generation known, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    Record* record = find_live(part.shard, key, tick);
    if (record != nullptr && record->backend == BackendTag::Ended) return;
    Room room = Room::Here;
    if (record == nullptr) {
      room = add(part.shard, key, {BackendTag::Ended, known}, tick);
      record = part.shard.find(key);
    }
    const Generation last = std::max(record->generation, known);
    rebind_until(part.shard, *record, {BackendTag::Ended, next_known(last)}, tick);
    if (room == Room::Here) return;
  }
  evict_elsewhere(part);
}

MemoryStore::ReadStamp MemoryStore::stamp_of(const Key& key) const {
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  return {epoch_.load(std::memory_order_relaxed), part.updates};
}

Binding MemoryStore::adopt(const Key& key, const Binding& agreed, const ReadStamp& stamp, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    const std::uint16_t epoch = part.updates == stamp.updates ? stamp.epoch : std::uint16_t{0};
    Record* record = find_live(part.shard, key, tick);
    if (record != nullptr) {
      if (is_later(key, binding_of(*record), agreed)) return binding_of(*record);
      use(part.shard, *record, tick);
      rebind_until(part.shard, *record, agreed, tick);
      record->epoch = epoch;
      return agreed;
    }
    const Room room = add(part.shard, key, agreed, tick);
    Record& added = *part.shard.find(key);
    rebind_until(part.shard, added, agreed, tick);
    added.epoch = epoch;
    if (room == Room::Here) return agreed;
  }
  evict_elsewhere(part);
  return agreed;
}

void MemoryStore::adopt_unused(const Key& key, const Binding& agreed, const ReadStamp& stamp, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  Record* record = find_live(part.shard, key, tick);
  if (record == nullptr || is_later(key, binding_of(*record), agreed)) return;
  rebind_until(part.shard, *record, agreed, tick);
  record->epoch = part.updates == stamp.updates ? stamp.epoch : std::uint16_t{0};
}

void MemoryStore::apply_update(const Key& key, const Binding& news, base::Instant now) {
  const Tick tick = tick_of(now);
  Part& part = part_of(key);
  {
    const std::scoped_lock lock(part.mutex);
    ++part.updates;
    Record* record = find_live(part.shard, key, tick);
    if (record != nullptr) {
      if (is_later(key, news, binding_of(*record))) rebind_until(part.shard, *record, news, tick);
      return;
    }
    if (news.backend != BackendTag::Ended) return;
    const Room room = add(part.shard, key, news, tick);
    rebind_until(part.shard, *part.shard.find(key), news, tick);
    if (room == Room::Here) return;
  }
  evict_elsewhere(part);
}

void MemoryStore::invalidate_all() {
  std::uint16_t epoch = epoch_.load(std::memory_order_relaxed);
  while (!epoch_.compare_exchange_weak(
      epoch, epoch == 0xFFFF ? std::uint16_t{1} : static_cast<std::uint16_t>(epoch + 1), std::memory_order_relaxed)) {
  }
}

void MemoryStore::invalidate(const Key& key) {
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  if (Record* record = part.shard.find(key); record != nullptr) record->epoch = 0;
}

/// One step of a walk: copies of the records that are wanted, of one stretch of one part.
template <class Wanted>
std::optional<MemoryStore::Walk> MemoryStore::step(const Walk& from, const std::function<void(const Session&)>& visit,
                                                   Wanted wanted) const {
  if (from.part >= part_count_) return std::nullopt;
  const Part& part = parts_[from.part];
  std::array<Record, kCopiesPerLock> copies;
  std::size_t count = 0;
  Walk next_step{from.part + 1, 0};
  {
    const std::scoped_lock lock(part.mutex);
    const Slot end = std::min(part.shard.slot_count(), from.slot + kCopiesPerLock);
    for (Slot at = from.slot; at < end; ++at) {
      const Record& record = part.shard.at(at);
      if (record.backend != BackendTag::None && wanted(record)) copies[count++] = record;
    }
    if (end < part.shard.slot_count()) next_step = {from.part, end};
  }
  for (const Record& record : std::span(copies).first(count)) visit(session_of(record));
  return next_step;
}

std::optional<MemoryStore::Walk> MemoryStore::invalidated(const Walk& from, base::Instant now,
                                                          const std::function<void(const Session&)>& visit) const {
  return step(from, visit, [this, tick = tick_of(now)](const Record& record) {
    return record.epoch != epoch_.load(std::memory_order_relaxed) && !is_expired(record, tick);
  });
}

std::optional<MemoryStore::Walk> MemoryStore::walk(const Walk& from, base::Instant now,
                                                   const std::function<void(const Session&)>& visit) const {
  return step(from, visit, [this, tick = tick_of(now)](const Record& record) {
    return record.backend != BackendTag::Ended && !is_expired(record, tick);
  });
}

std::size_t MemoryStore::expire(base::Instant now, std::size_t max) {
  const Tick tick = tick_of(now);
  std::size_t forgotten = 0;
  for (std::size_t visited = 0; visited < part_count_ && forgotten < max; ++visited) {
    Part& part = parts_[expire_next_.load(std::memory_order_relaxed) % part_count_];
    std::size_t got = 0;
    std::size_t wanted = 0;
    do {
      wanted = std::min(max - forgotten, kExpirePerLock);
      const std::scoped_lock lock(part.mutex);
      got = expire_some(part.shard, tick, wanted);
      forgotten += got;
    } while (got == wanted && forgotten < max);
    if (got < wanted) expire_next_.fetch_add(1, std::memory_order_relaxed);
  }
  return forgotten;
}

std::optional<Session> MemoryStore::look(const Key& key, base::Instant now) const {
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  const Record* record = part.shard.find(key);
  const bool is_there = record != nullptr && record->backend != BackendTag::Ended && !is_expired(*record, tick_of(now));
  return is_there ? std::optional(session_of(*record)) : std::nullopt;
}

void MemoryStore::for_each(base::Instant now, const std::function<bool(const Session&)>& visit) const {
  bool goes_on = true;
  for (std::optional<Walk> at = Walk{}; at && goes_on;) {
    at = walk(*at, now, [&](const Session& session) { goes_on = goes_on && visit(session); });
  }
}

std::size_t MemoryStore::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + part_count_ * sizeof(Part) + counts_.memory_bytes();
  for (std::size_t i = 0; i < part_count_; ++i) {
    const std::scoped_lock lock(parts_[i].mutex);
    bytes += parts_[i].shard.memory_bytes();
  }
  return bytes;
}

Tick MemoryStore::tick_of(base::Instant now) const {
  if (now <= start_) return 1;
  const auto ticks = static_cast<std::uint64_t>((now - start_) / kTick);
  return static_cast<Tick>(std::min<std::uint64_t>(ticks + 1, std::numeric_limits<Tick>::max()));
}

base::Instant MemoryStore::instant_of(Tick tick) const {
  return tick == 0 ? base::Instant{} : start_ + (tick - 1) * kTick;
}

// The shard by the hash's high bits, the bucket inside by its low ones.
MemoryStore::Part& MemoryStore::part_of(const Key& key) const {
  return parts_[(hash_of(key, seed_) >> 48) & (part_count_ - 1)];
}

bool MemoryStore::is_expired(const Record& record, Tick now) const {
  return now > record.last_used && now - record.last_used > idle_ticks_;
}

/// True: news (LookupResult::use_is_news).
bool MemoryStore::use(MemoryShard& shard, Record& record, Tick now) const {
  if (now <= record.last_used || now - record.last_used <= use_ticks_) return false;
  if (record.backend == BackendTag::Ended) return false;  // a mark lasts its time, whoever asks for it
  record.last_used = now;
  shard.make_newest(record);
  const auto share = static_cast<std::uint16_t>(now / news_ticks_);
  return std::exchange(record.told, share) != share;
}

void MemoryStore::rebind(Record& record, const Binding& to) {
  counts_.increment(to.backend);  // first: who counts in between counts one too many, not one too few
  counts_.decrement(record.backend);
  if (record.backend != to.backend) record.cookie_issued = 0;  // the client's leads to where it was
  record.backend = to.backend;
  record.generation = to.generation;
}

/// The same, and a mark lasts its time from now on.
void MemoryStore::rebind_until(MemoryShard& shard, Record& record, const Binding& to, Tick now) {
  const bool was_mark = record.backend == BackendTag::Ended;
  rebind(record, to);
  if (to.backend != BackendTag::Ended) {
    if (was_mark) record.last_used = record.created = now;
    return;
  }
  shard.make_newest(record);
  // Among the newest though its time lies ahead: those behind it in the order may expire a little late.
  record.last_used = static_cast<Tick>(std::min<std::uint64_t>(std::uint64_t{now} + idle_ticks_ / 2, kTickMax));
}

Session MemoryStore::session_of(const Record& record) const {
  return {.key = record.key,
          .binding = binding_of(record),
          .created = instant_of(record.created),
          .last_used = instant_of(record.last_used),
          .moves = moves_of(record.generation)};
}

std::uint64_t MemoryStore::size() const {
  const std::uint64_t all = size_.load(std::memory_order_relaxed);
  return all - std::min(all, counts_.of(BackendTag::Ended));
}

Record* MemoryStore::find_live(MemoryShard& shard, const Key& key, Tick now) {
  Record* record = shard.find(key);
  if (record == nullptr || !is_expired(*record, now)) return record;
  erase(shard, *record);
  expired_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

MemoryStore::Room MemoryStore::add(MemoryShard& shard, const Key& key, const Binding& binding, Tick now) {
  expire_some(shard, now, kExpirePerWrite);
  const bool is_full = size_.fetch_add(1, std::memory_order_relaxed) >= sessions_max_;
  const Room room = is_full && shard.size() == 0 ? Room::Elsewhere : Room::Here;
  if (is_full && room == Room::Here) evict_oldest(shard);
  Record& record = shard.insert(key);
  record.backend = binding.backend;
  record.generation = binding.generation;
  record.created = record.last_used = now;
  record.told = static_cast<std::uint16_t>(now / news_ticks_);
  record.epoch = epoch_.load(std::memory_order_relaxed);
  counts_.increment(binding.backend);
  return room;
}

void MemoryStore::erase(MemoryShard& shard, Record& record) {
  counts_.decrement(record.backend);
  shard.erase(record);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

std::size_t MemoryStore::expire_some(MemoryShard& shard, Tick now, std::size_t max) {
  std::size_t forgotten = 0;
  for (; forgotten < max; ++forgotten) {
    Record* record = shard.oldest();
    if (record == nullptr || !is_expired(*record, now)) break;
    erase(shard, *record);
  }
  expired_.fetch_add(forgotten, std::memory_order_relaxed);
  return forgotten;
}

void MemoryStore::evict_oldest(MemoryShard& shard) {
  erase(shard, *shard.oldest());
  evicted_.fetch_add(1, std::memory_order_relaxed);
}

void MemoryStore::evict_elsewhere(const Part& here) {
  const auto from = static_cast<std::size_t>(&here - parts_.get());
  for (std::size_t i = 1; i < part_count_; ++i) {
    Part& part = parts_[(from + i) % part_count_];
    const std::scoped_lock lock(part.mutex);
    if (part.shard.size() == 0) continue;
    evict_oldest(part.shard);
    return;
  }
}

}  // namespace holdfast::sessions
