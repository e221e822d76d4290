#include "proxy/concurrency_limits.h"

#include <algorithm>

namespace holdfast::proxy {

void ConcurrencyLimits::configure(const conf::Settings& settings) {
  queue_max_ = settings.limits.queue;
  limits_.grow(settings.backend_ids());
  for (const conf::Backend& backend : settings.backends) {
    Limit& changed = limit(backend.id);
    const std::lock_guard lock(changed.mutex);
    changed.slots = backend.max_requests;
    while (!changed.queue.empty() && !changed.is_full()) {
      ++changed.taken;
      admit_first(changed, backend.id);
    }
  }
}

bool ConcurrencyLimits::enter_if_room(conf::BackendId backend) {
  Limit& entered = limit(backend);
  const std::lock_guard lock(entered.mutex);
  if (entered.is_full()) return false;
  ++entered.taken;
  return true;
}

ConcurrencyLimits::Entry ConcurrencyLimits::enter(conf::BackendId backend, base::Scheduler& loop, GrantHandler& handler,
                                                  TicketId ticket) {
  Limit& entered = limit(backend);
  const std::lock_guard lock(entered.mutex);
  if (!entered.is_full()) {
    ++entered.taken;
    return Entry::Entered;
  }
  if (entered.queue.size() >= queue_max_) return Entry::Full;
  entered.queue.push_back({&loop, &handler, ticket});
  return Entry::Queued;
}

/// The place goes to the longest waiting one without being free in between: nobody overtakes.
void ConcurrencyLimits::admit_first(Limit& limit, conf::BackendId backend) {
  const Waiter next = limit.queue.front();
  limit.queue.pop_front();
  next.loop->post([next, backend] { next.handler->on_granted(backend, next.ticket); });
}

void ConcurrencyLimits::leave(conf::BackendId backend) {
  Limit& left = limit(backend);
  const std::lock_guard lock(left.mutex);
  const bool is_one_too_many = left.slots != 0 && left.taken > left.slots;  // a reload has taken places away
  if (!left.queue.empty() && !is_one_too_many) return admit_first(left, backend);
  --left.taken;
}

void ConcurrencyLimits::forget(conf::BackendId backend, TicketId ticket, const GrantHandler& handler) {
  Limit& left = limit(backend);
  const std::lock_guard lock(left.mutex);
  const auto found = std::find_if(left.queue.begin(), left.queue.end(), [&](const Waiter& waiter) {
    return waiter.handler == &handler && waiter.ticket == ticket;
  });
  if (found != left.queue.end()) left.queue.erase(found);
}

std::uint64_t ConcurrencyLimits::waiting(conf::BackendId backend) const {
  const std::lock_guard lock(limit(backend).mutex);
  return limit(backend).queue.size();
}

}  // namespace holdfast::proxy
