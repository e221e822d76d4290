#include "sessions/memory_shard.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace holdfast::sessions {

Record* MemoryShard::find(const Key& key) {
  if (size_ == 0) return nullptr;
  for (Slot slot = bucket(bucket_number(key)); slot != kNoSlot; slot = at(slot).chain) {
    if (at(slot).key == key) return &at(slot);
  }
  return nullptr;
}

Record& MemoryShard::insert(const Key& key) {
  if (size_ >= bucket_count_) add_bucket();
  const Slot slot = take_slot();
  Record& record = at(slot);
  record = Record{};
  record.key = key;
  Slot& head = bucket(bucket_number(key));
  record.chain = head;
  head = slot;
  link_newest(slot);
  ++size_;
  return record;
}

void MemoryShard::erase(Record& record) {
  Slot* link = &bucket(bucket_number(record.key));
  while (&at(*link) != &record) link = &at(*link).chain;
  const Slot slot = *link;
  *link = record.chain;
  unlink(record);
  record = Record{};
  record.chain = free_;
  free_ = slot;
  --size_;
}

void MemoryShard::make_newest(Record& record) {
  if (record.newer == kNoSlot) return;
  const Slot slot = at(record.newer).older;
  unlink(record);
  link_newest(slot);
}

std::size_t MemoryShard::memory_bytes() const {
  return records_.size() * kRecordsAtOnce * sizeof(Record) + buckets_.size() * kBucketsAtOnce * sizeof(Slot) +
         (records_.capacity() + buckets_.capacity()) * sizeof(void*);
}

// The buckets a table of the next power of two would have, folded where the upper half is not there yet.
std::uint32_t MemoryShard::bucket_number(const Key& key) const {
  const std::uint32_t mask = std::bit_ceil(bucket_count_) - 1;
  const std::uint32_t number = static_cast<std::uint32_t>(hash_of(key, seed_)) & mask;
  return number < bucket_count_ ? number : number & (mask >> 1);
}

Slot MemoryShard::take_slot() {
  if (free_ != kNoSlot) {
    const Slot slot = free_;
    free_ = at(slot).chain;
    return slot;
  }
  base::check(fresh_ < kNoSlot - kRecordsAtOnce, "a shard's sessions can be numbered with 32 bits");
  if (fresh_ % kRecordsAtOnce == 0) records_.push_back(std::make_unique<Record[]>(kRecordsAtOnce));
  return fresh_++;
}

void MemoryShard::add_buckets() {
  buckets_.push_back(std::make_unique<Slot[]>(kBucketsAtOnce));
  std::fill_n(buckets_.back().get(), kBucketsAtOnce, kNoSlot);
}

void MemoryShard::add_bucket() {
  if (bucket_count_ == 0) {
    add_buckets();
    bucket_count_ = kBucketsAtOnce;
    return;
  }
  if (bucket_count_ % kBucketsAtOnce == 0) add_buckets();
  const std::uint32_t added = bucket_count_++;
  const std::uint32_t split = added - std::bit_floor(added);
  Slot slot = bucket(split);
  bucket(split) = kNoSlot;
  while (slot != kNoSlot) {
    Record& record = at(slot);
    const Slot next = record.chain;
    Slot& head = bucket(bucket_number(record.key));
    record.chain = head;
    head = slot;
    slot = next;
  }
}

void MemoryShard::link_newest(Slot slot) {
  Record& record = at(slot);
  record.newer = kNoSlot;
  record.older = newest_;
  (newest_ == kNoSlot ? oldest_ : at(newest_).newer) = slot;
  newest_ = slot;
}

void MemoryShard::unlink(const Record& record) {
  (record.newer == kNoSlot ? newest_ : at(record.newer).older) = record.older;
  (record.older == kNoSlot ? oldest_ : at(record.older).newer) = record.newer;
}

}  // namespace holdfast::sessions
