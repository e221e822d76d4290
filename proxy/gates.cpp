#include "proxy/gates.h"

#include <algorithm>

namespace holdfast::proxy {

Gates::Gates(const conf::Settings& settings) : queue_max_(settings.limits.queue), gates_(settings.backends.size()) {
  for (const conf::Backend& backend : settings.backends) {
    if (backend.max_requests == 0) continue;
    auto gate = std::make_unique<Gate>();
    gate->places = backend.max_requests;
    gates_[conf::index(backend.id)] = std::move(gate);
  }
}

bool Gates::has_room(conf::BackendId backend) const {
  const Gate* gate = gates_[conf::index(backend)].get();
  if (gate == nullptr) return true;
  const std::lock_guard lock(gate->mutex);
  return gate->taken < gate->places;
}

Gates::Entry Gates::enter(conf::BackendId backend, base::Scheduler& loop, GrantSink& sink, TicketId ticket) {
  Gate& gate = *gates_[conf::index(backend)];
  const std::lock_guard lock(gate.mutex);
  if (gate.taken < gate.places) {
    ++gate.taken;
    return Entry::Entered;
  }
  if (gate.queue.size() >= queue_max_) return Entry::Full;
  gate.queue.push_back({&loop, &sink, ticket});
  return Entry::Queued;
}

void Gates::leave(conf::BackendId backend) {
  Gate& gate = *gates_[conf::index(backend)];
  const std::lock_guard lock(gate.mutex);
  if (gate.queue.empty()) {
    --gate.taken;
    return;
  }
  // The place goes to the longest waiting one without being free in between: nobody overtakes.
  const Waiter next = gate.queue.front();
  gate.queue.pop_front();
  next.loop->post([next, backend] { next.sink->on_granted(backend, next.ticket); });
}

void Gates::forget(conf::BackendId backend, TicketId ticket, const GrantSink& sink) {
  Gate& gate = *gates_[conf::index(backend)];
  const std::lock_guard lock(gate.mutex);
  const auto found = std::find_if(gate.queue.begin(), gate.queue.end(), [&](const Waiter& waiter) {
    return waiter.sink == &sink && waiter.ticket == ticket;
  });
  if (found != gate.queue.end()) gate.queue.erase(found);
}

std::uint64_t Gates::waiting(conf::BackendId backend) const {
  const Gate* gate = gates_[conf::index(backend)].get();
  if (gate == nullptr) return 0;
  const std::lock_guard lock(gate->mutex);
  return gate->queue.size();
}

}  // namespace holdfast::proxy
