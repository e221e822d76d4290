#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "sessions/key.h"

namespace holdfast::sessions {

/// Tenths of a second since a little before the store's start; 0 means never. 32 bits last 13 years.
using Tick = std::uint32_t;

/// Where a record stands in its shard; it keeps its slot for life.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xFFFF'FFFF;

/// One session in memory: 56 bytes.
struct Record {
  Key key;
  BackendTag backend = BackendTag::None;  ///< None: the slot is free.
  Generation generation = Generation::None;
  Tick created = 0;
  Tick last_used = 0;
  Tick cookie_issued = 0;
  Slot newer = kNoSlot;  ///< Neighbours in the order of use.
  Slot older = kNoSlot;
  Slot chain = kNoSlot;     ///< Next in the bucket; of a free slot: the next free one.
  std::uint16_t epoch = 0;  ///< The store's, when this was last known to be what all proxies agree on. 0: never.
  std::uint16_t told = 0;   ///< The last use that was news, in shares of the idle timeout.
};
static_assert(sizeof(Record) == 56);

/// A mixing of the key's bits: keys are hashes already, but a shard relies on nobody for that.
constexpr std::uint64_t hash_of(const Key& key, std::uint64_t seed) {
  return base::Random::mix(key.low + base::Random::mix(key.high ^ seed));
}

/// Records by key and in order of use. One part of the memory store, which holds a lock around every call.
///
/// Memory grows in steps of a few KiB and nothing is ever rehashed at once: the index is a linear hash table (Litwin
/// 1980), which splits one bucket with each insertion, so that no call is longer than the others. Memory is not given
/// back before the end: a store stays as big as its busiest hour.
class MemoryShard {
 public:
  explicit MemoryShard(std::uint64_t seed) : seed_(seed) {}

  Record* find(const Key& key);
  /// A new record, the newest in the order of use. The key must not be there yet. References stay valid.
  Record& insert(const Key& key);
  void erase(Record& record);
  void make_newest(Record& record);
  /// nullptr when there is none.
  Record* oldest() { return oldest_ == kNoSlot ? nullptr : &at(oldest_); }

  std::size_t size() const { return size_; }
  /// Slots ever used: 0 <= slot < slot_count() may be looked at; those with no backend are free.
  Slot slot_count() const { return fresh_; }
  const Record& at(Slot slot) const { return records_[slot / kRecordsAtOnce][slot % kRecordsAtOnce]; }
  std::size_t memory_bytes() const;

 private:
  static constexpr Slot kRecordsAtOnce = 128;
  static constexpr std::uint32_t kBucketsAtOnce = 256;

  Record& at(Slot slot) { return records_[slot / kRecordsAtOnce][slot % kRecordsAtOnce]; }
  Slot& bucket(std::uint32_t number) { return buckets_[number / kBucketsAtOnce][number % kBucketsAtOnce]; }
  std::uint32_t bucket_number(const Key& key) const;
  Slot take_slot();
  void add_buckets();
  void add_bucket();
  void link_newest(Slot slot);
  void unlink(const Record& record);

  std::uint64_t seed_;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Record[]>> records_;
  std::vector<std::unique_ptr<Slot[]>> buckets_;
  std::uint32_t bucket_count_ = 0;
  Slot fresh_ = 0;  // slots from here on have never been used
  Slot free_ = kNoSlot;
  Slot newest_ = kNoSlot;
  Slot oldest_ = kNoSlot;
};

}  // namespace holdfast::sessions
