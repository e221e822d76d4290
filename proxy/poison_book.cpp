#include "proxy/poison_book.h"

#include <algorithm>
#include <set>

namespace holdfast::proxy {

namespace {

// Nodes that die within a second die of one blow, for all anybody knows; and so long an answer has to clear who was
// there.
constexpr base::Duration kOneBlow = std::chrono::seconds{1};

/// The id of the only one whose kind nobody was ever answered; nullopt: there is none, or several.
std::optional<std::uint64_t> plain_suspect(std::span<const LostRequest> lost) {
  std::optional<std::uint64_t> found;
  for (const LostRequest& request : lost) {
    if (request.is_known) continue;
    const std::uint64_t id = id_of(request.print);
    if (found && *found != id) return std::nullopt;
    found = id;
  }
  return found;
}

}  // namespace

std::vector<PoisonBook::Entry> PoisonBook::on_crash(const Crash& crash, std::span<const LostRequest> lost) {
  const std::optional<std::uint64_t> plain = crash.is_whole ? plain_suspect(lost) : std::nullopt;
  std::vector<Entry> fresh;
  std::set<std::uint64_t> seen;
  for (const LostRequest& request : lost) {
    const std::uint64_t id = id_of(request.print);
    if (!seen.insert(id).second) continue;
    if (!entries_.contains(id)) make_room(Room::Suspect);
    Entry& entry = entries_[id];
    if (entry.is_quarantined || entry.death == crash.death) continue;
    const base::Duration since_last = crash.now - entry.last;
    if (entry.crashes > 0 && since_last < kOneBlow && plain != id) continue;
    if (since_last > crash.rules.window) entry.crashes = entry.alone = 0;
    entry.print = request.print;
    entry.pool = crash.pool;
    entry.backend = crash.backend;
    entry.method = request.method;
    entry.path = request.path;
    entry.last = crash.now;
    entry.death = crash.death;
    entry.until = crash.now + crash.rules.window;
    ++entry.crashes;
    if (plain == id) ++entry.alone;
    const bool by_itself = crash.rules.crashes_alone > 0 && entry.alone >= crash.rules.crashes_alone;
    const bool too_often = crash.rules.crashes > 0 && entry.crashes >= crash.rules.crashes;
    if (!by_itself && !too_often) continue;
    make_room(Room::Quarantined);
    entry.is_quarantined = true;
    entry.since = crash.wall;
    entry.until = crash.now + crash.rules.quarantine;
    ++quarantined_;
    fresh.push_back(entry);
  }
  return fresh;
}

/// Forgets the one whose time is over first, of the suspects or of the quarantined, where there are too many.
void PoisonBook::make_room(Room wanted) {
  const bool for_quarantine = wanted == Room::Quarantined;
  const std::size_t have = for_quarantine ? quarantined_ : entries_.size() - quarantined_;
  if (have < (for_quarantine ? kQuarantinedMax : kSuspectsMax)) return;
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->second.is_quarantined != for_quarantine) continue;
    if (oldest == entries_.end() || at->second.until < oldest->second.until) oldest = at;
  }
  if (for_quarantine) --quarantined_;
  entries_.erase(oldest);
}

bool PoisonBook::on_answered(const Print& print) {
  const auto at = entries_.find(id_of(print));
  if (at == entries_.end() || at->second.is_quarantined) return false;
  entries_.erase(at);
  return true;
}

std::optional<PoisonBook::Entry> PoisonBook::release(std::uint64_t id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return std::nullopt;
  Entry entry = std::move(at->second);
  entries_.erase(at);
  if (entry.is_quarantined) --quarantined_;
  return entry;
}

bool PoisonBook::adopt(Entry entry) {
  const std::uint64_t id = id_of(entry.print);
  if (const auto at = entries_.find(id); at != entries_.end() && at->second.is_quarantined) return false;
  make_room(Room::Quarantined);
  entry.is_quarantined = true;
  entries_[id] = std::move(entry);
  ++quarantined_;
  return true;
}

bool PoisonBook::expire(base::Instant now) {
  const std::size_t gone = std::erase_if(entries_, [&](const auto& at) {
    const Entry& entry = at.second;
    if (now < entry.until) return false;
    if (entry.is_quarantined) --quarantined_;
    return true;
  });
  return gone > 0;
}

}  // namespace holdfast::proxy
