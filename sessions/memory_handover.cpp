// MemoryStore, when its sessions go to another process and when they come from one.
#include <algorithm>
#include <array>
#include <span>

#include "base/check.h"
#include "sessions/memory_store.h"

namespace holdfast::sessions {

namespace {
constexpr Slot kSessionsPerLock = 256;
}

std::optional<MemoryStore::Walk> MemoryStore::export_sessions(
    const Walk& from, base::Instant now, const std::function<void(const SessionRecord&)>& visit) const {
  const Tick tick = tick_of(now);
  if (from.part >= part_count_) return std::nullopt;
  const Part& part = parts_[from.part];
  std::array<Record, kSessionsPerLock> copies;
  std::size_t count = 0;
  Walk next_step{from.part + 1, 0};
  {
    const std::scoped_lock lock(part.mutex);
    const Slot end = std::min(part.shard.slot_count(), from.slot + kSessionsPerLock);
    for (Slot at = from.slot; at < end; ++at) {
      const Record& record = part.shard.at(at);
      if (record.backend != BackendTag::None && !is_expired(record, tick)) copies[count++] = record;
    }
    if (end < part.shard.slot_count()) next_step = {from.part, end};
  }
  for (const Record& record : std::span(copies).first(count)) {
    visit({.key = record.key,
           .binding = {record.backend, record.generation},
           .created = instant_of(record.created),
           .last_used = instant_of(record.last_used),
           .cookie_issued = instant_of(record.cookie_issued)});
  }
  return next_step;
}

void MemoryStore::import_session(const SessionRecord& session, base::Instant now) {
  base::check(session.binding.backend != BackendTag::None, "a session is bound to a backend");
  const Tick used = tick_of(session.last_used);
  Part& part = part_of(session.key);
  {
    const std::scoped_lock lock(part.mutex);
    if (part.shard.find(session.key) != nullptr) return;  // nothing is handed over twice
    const Room room = add(part.shard, session.key, session.binding, tick_of(now));
    Record& record = *part.shard.find(session.key);
    record.created = tick_of(session.created);
    record.last_used = used;
    record.told = static_cast<std::uint16_t>(used / news_ticks_);
    if (session.cookie_issued != base::Instant{}) record.cookie_issued = tick_of(session.cookie_issued);
    if (room == Room::Here) return;
  }
  evict_elsewhere(part);
}

}  // namespace holdfast::sessions
