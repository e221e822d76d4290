#include "sessions/memory_registry.h"

#include <algorithm>

namespace holdfast::sessions {

Listed MemoryRegistry::listed(const Session& session) const {
  const auto wall = [&](base::Instant at) {
    return base::wall_now() - std::chrono::duration_cast<base::WallTime::duration>(scheduler_.now() - at);
  };
  return {session.key, session.binding, wall(session.created), wall(session.last_used)};
}

void MemoryRegistry::list(const std::string&, const std::vector<BackendTag>& backends, std::size_t limit,
                          Done<std::vector<Listed>> done) {
  std::vector<Listed> found;
  memory_.for_each(scheduler_.now(), [&](const Session& session) {
    const bool is_wanted = std::find(backends.begin(), backends.end(), session.binding.backend) != backends.end();
    if (is_wanted) found.push_back(listed(session));
    return true;
  });
  const std::size_t count = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [](const Listed& a, const Listed& b) { return a.last_used > b.last_used; });
  found.resize(count);
  done(std::move(found));
}

void MemoryRegistry::find(const std::string&, const Key& key, Done<std::optional<Listed>> done) {
  std::optional<Listed> found;
  if (const auto session = memory_.look(key, scheduler_.now())) found = listed(*session);
  done(found);
}

void MemoryRegistry::move(const std::string&, const Key& key, BackendTag to, Done<Effect> done) {
  if (orders_ == Orders::Refused) return done(refusal());
  const base::Instant now = scheduler_.now();
  bool moved = false;
  // Whoever moves it meanwhile only makes us look again.
  for (auto session = memory_.look(key, now); session && !moved; session = memory_.look(key, now)) {
    moved = memory_.move(key, session->binding, to, now).is_ours;
  }
  done(Effect{.sessions = moved ? 1u : 0u});
}

void MemoryRegistry::end(const std::string&, const Key& key, Done<Effect> done) {
  if (orders_ == Orders::Refused) return done(refusal());
  const bool is_there = memory_.look(key, scheduler_.now()).has_value();
  memory_.mark_ended(key, Generation::None, scheduler_.now());
  done(Effect{.sessions = is_there ? 1u : 0u});
}

void MemoryRegistry::clear(const std::string&, BackendTag backend, const std::vector<BackendTag>& to,
                           Done<Effect> done) {
  if (orders_ == Orders::Refused) return done(refusal());
  const base::Instant now = scheduler_.now();
  std::uint64_t count = 0;
  memory_.for_each(now, [&](const Session& session) {
    if (session.binding.backend != backend) return true;
    if (to.empty()) {
      memory_.mark_ended(session.key, session.binding.generation, now);
      ++count;
    } else if (memory_.move(session.key, session.binding, to[count % to.size()], now).is_ours) {
      ++count;
    }
    return true;
  });
  done(Effect{.sessions = count});
}

}  // namespace holdfast::sessions
