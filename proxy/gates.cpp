#include "proxy/gates.h"

#include <algorithm>

namespace holdfast::proxy {

void Gates::configure(const conf::Settings& settings) {
  queue_max_ = settings.limits.queue;
  gates_.grow(settings.backend_ids());
  for (const conf::Backend& backend : settings.backends) {
    Gate& changed = gate(backend.id);
    const std::lock_guard lock(changed.mutex);
    changed.places = backend.max_requests;
    while (!changed.queue.empty() && !changed.is_full()) {
      ++changed.taken;
      admit_first(changed, backend.id);
    }
  }
}

bool Gates::enter_if_room(conf::BackendId backend) {
  Gate& entered = gate(backend);
  const std::lock_guard lock(entered.mutex);
  if (entered.is_full()) return false;
  ++entered.taken;
  return true;
}

Gates::Entry Gates::enter(conf::BackendId backend, base::Scheduler& loop, GrantSink& sink, TicketId ticket) {
  Gate& entered = gate(backend);
  const std::lock_guard lock(entered.mutex);
  if (!entered.is_full()) {
    ++entered.taken;
    return Entry::Entered;
  }
  if (entered.queue.size() >= queue_max_) return Entry::Full;
  entered.queue.push_back({&loop, &sink, ticket});
  return Entry::Queued;
}

/// The place goes to the longest waiting one without being free in between: nobody overtakes.
void Gates::admit_first(Gate& gate, conf::BackendId backend) {
  const Waiter next = gate.queue.front();
  gate.queue.pop_front();
  next.loop->post([next, backend] { next.sink->on_granted(backend, next.ticket); });
}

void Gates::leave(conf::BackendId backend) {
  Gate& left = gate(backend);
  const std::lock_guard lock(left.mutex);
  const bool is_one_too_many = left.places != 0 && left.taken > left.places;  // a reload has taken places away
  if (!left.queue.empty() && !is_one_too_many) return admit_first(left, backend);
  --left.taken;
}

void Gates::forget(conf::BackendId backend, TicketId ticket, const GrantSink& sink) {
  Gate& left = gate(backend);
  const std::lock_guard lock(left.mutex);
  const auto found = std::find_if(left.queue.begin(), left.queue.end(), [&](const Waiter& waiter) {
    return waiter.sink == &sink && waiter.ticket == ticket;
  });
  if (found != left.queue.end()) left.queue.erase(found);
}

std::uint64_t Gates::waiting(conf::BackendId backend) const {
  const std::lock_guard lock(gate(backend).mutex);
  return gate(backend).queue.size();
}

}  // namespace holdfast::proxy
