#include "proxy/quarantine_book.h"

#include <algorithm>
#include <utility>

namespace holdfast::proxy {

namespace {

// Backends that die within a second die of one cause, for all anybody knows; and so long a response has to clear who
// was there.
constexpr base::Duration kOneCrash = std::chrono::seconds{1};

// How much is forgotten at once, so that a crowd does not have the oldest looked for each time.
constexpr std::size_t kRoomAtOnce = 100;

bool is_same_request(const Fingerprint& a, const Fingerprint& b) { return of_everybody(a) == of_everybody(b); }

/// The only one whose kind nobody was ever answered; nullptr: there is none, or several.
const LostRequest* plain_suspect(std::span<const LostRequest> lost) {
  const LostRequest* found = nullptr;
  for (const LostRequest& request : lost) {
    if (request.is_known) continue;
    if (found != nullptr && !is_same_request(found->fingerprint, request.fingerprint)) return nullptr;
    found = &request;
  }
  return found;
}

}  // namespace

std::vector<QuarantineBook::Entry> QuarantineBook::on_crash(const Crash& crash, std::span<const LostRequest> lost) {
  const LostRequest* const plain = crash.is_whole ? plain_suspect(lost) : nullptr;
  std::vector<Entry> fresh;
  for (const LostRequest& request : lost) {
    if (note(crash, request, of_everybody(request.fingerprint), fresh)) continue;
    if (plain != nullptr && is_same_request(plain->fingerprint, request.fingerprint))
      note(crash, request, request.fingerprint, fresh);
  }
  return fresh;
}

bool QuarantineBook::note(const Crash& crash, const LostRequest& lost, const Fingerprint& fingerprint,
                          std::vector<Entry>& fresh) {
  const bool is_for_all = fingerprint.client == ClientTag::Everybody;
  const std::uint32_t crashes_max = is_for_all ? crash.rules.crashes : crash.rules.crashes_alone;
  if (crashes_max == 0) return false;
  const std::uint64_t id = id_of(fingerprint);
  if (!entries_.contains(id)) make_room(Room::Suspect);
  Entry& entry = entries_[id];
  if (entry.is_quarantined || entry.crash_number == crash.crash_number) return entry.is_quarantined;
  const base::Duration since_last = crash.now - entry.last;
  if (is_for_all && entry.crashes > 0 && since_last < kOneCrash) return false;
  if (since_last > crash.rules.window) entry.crashes = 0;
  entry.fingerprint = fingerprint;
  entry.pool = crash.pool;
  entry.backend = crash.backend;
  entry.method = lost.method;
  entry.path = lost.path;
  entry.last = crash.now;
  entry.crash_number = crash.crash_number;
  entry.until = crash.now + crash.rules.window;
  if (++entry.crashes < crashes_max) return false;
  make_room(Room::Quarantined);
  entry.is_quarantined = true;
  entry.since = crash.wall;
  entry.until = crash.now + crash.rules.duration;
  ++quarantined_;
  fresh.push_back(entry);
  return true;
}

/// Forgets those whose time is over first, of the suspects or of the quarantined, where there are too many.
void QuarantineBook::make_room(Room wanted) {
  const bool for_quarantine = wanted == Room::Quarantined;
  const std::size_t have = for_quarantine ? quarantined_ : entries_.size() - quarantined_;
  if (have < (for_quarantine ? kQuarantinedMax : kSuspectsMax)) return;
  std::vector<std::pair<base::Instant, std::uint64_t>> all;
  all.reserve(have);
  for (const auto& [id, entry] : entries_) {
    if (entry.is_quarantined == for_quarantine) all.emplace_back(entry.until, id);
  }
  const auto last = all.begin() + kRoomAtOnce;
  std::nth_element(all.begin(), last, all.end());
  for (auto at = all.begin(); at != last; ++at) entries_.erase(at->second);
  if (for_quarantine) quarantined_ -= kRoomAtOnce;
}

bool QuarantineBook::on_answered(const Fingerprint& fingerprint) {
  bool was_suspect = false;
  for (const Fingerprint& each : {fingerprint, of_everybody(fingerprint)}) {
    const auto at = entries_.find(id_of(each));
    if (at == entries_.end() || at->second.is_quarantined) continue;
    entries_.erase(at);
    was_suspect = true;
  }
  return was_suspect;
}

std::vector<QuarantineBook::Entry> QuarantineBook::release(std::uint64_t id) {
  std::vector<Entry> released;
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.is_quarantined) return released;
  const Fingerprint fingerprint = found->second.fingerprint;
  std::erase_if(entries_, [&](auto& at) {
    if (!is_same_request(at.second.fingerprint, fingerprint)) return false;
    if (at.second.is_quarantined) released.push_back(std::move(at.second));
    return true;
  });
  quarantined_ -= released.size();
  return released;
}

bool QuarantineBook::adopt(Entry entry) {
  const std::uint64_t id = id_of(entry.fingerprint);
  const auto at = entries_.find(id);
  const bool is_quarantined = at != entries_.end() && at->second.is_quarantined;
  if (is_quarantined && at->second.until >= entry.until) return false;
  if (!is_quarantined) {
    make_room(Room::Quarantined);
    ++quarantined_;
  }
  entry.is_quarantined = true;
  entries_[id] = std::move(entry);
  return true;
}

std::vector<QuarantineBook::Entry> QuarantineBook::expire(base::Instant now) {
  std::vector<Entry> over;
  std::erase_if(entries_, [&](auto& at) {
    if (now < at.second.until) return false;
    if (at.second.is_quarantined) over.push_back(std::move(at.second));
    return true;
  });
  quarantined_ -= over.size();
  return over;
}

}  // namespace holdfast::proxy
