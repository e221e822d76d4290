#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>

#include "base/scheduler.h"
#include "base/steady_array.h"
#include "conf/settings.h"

namespace holdfast::proxy {

/// Names one waiting request of one worker.
enum class TicketId : std::uint64_t {};

/// A worker, as the limits see it.
class GrantHandler {
 public:
  GrantHandler() = default;
  GrantHandler(const GrantHandler&) = delete;
  GrantHandler& operator=(const GrantHandler&) = delete;
  virtual ~GrantHandler() = default;
  /// On the worker's thread: the ticket's turn has come, its place is taken. If nobody waits for it any more, the
  /// worker calls ConcurrencyLimits::leave.
  virtual void on_granted(conf::BackendId backend, TicketId ticket) = 0;
};

/// The limits of backends with max_requests: so many requests in flight at once over all workers, the rest waits in one
/// fair queue each. Backends without a limit have no entry and cost nothing. Any thread.
class ConcurrencyLimits {
 public:
  enum class Entry : std::uint8_t { Entered, Queued, Full };

  explicit ConcurrencyLimits(const conf::Settings& settings) { configure(settings); }
  /// The same anew, after a reload: where there is more room now, the longest waiting ones enter. One thread.
  void configure(const conf::Settings& settings);

  bool is_limited(conf::BackendId backend) const { return limit(backend).slots.load(std::memory_order_relaxed) != 0; }
  /// Entered: call leave() later. Queued: `handler.on_granted(backend, ticket)` comes on `loop`, or call forget().
  /// Full: the queue is at its limit. Loop and handler outlive the limits' use of them: a worker forgets its tickets
  /// before it goes.
  Entry enter(conf::BackendId backend, base::Scheduler& loop, GrantHandler& handler, TicketId ticket);
  /// Entered or not; true also where there is no entry: leave() either way.
  bool enter_if_room(conf::BackendId backend);
  void leave(conf::BackendId backend);
  /// Gives up waiting. A grant that is already under way still comes.
  void forget(conf::BackendId backend, TicketId ticket, const GrantHandler& handler);

  std::uint64_t waiting(conf::BackendId backend) const;

 private:
  struct Waiter {
    base::Scheduler* loop;
    GrantHandler* handler;
    TicketId ticket;
  };
  struct Limit {
    mutable std::mutex mutex;
    std::atomic<std::uint32_t> slots{0};  // 0: no limit, no entry
    std::uint32_t taken = 0;
    std::list<Waiter> queue;

    bool is_full() const { return slots != 0 && taken >= slots; }
  };

  const Limit& limit(conf::BackendId backend) const { return limits_[conf::index(backend)]; }
  Limit& limit(conf::BackendId backend) { return limits_[conf::index(backend)]; }
  static void admit_first(Limit& limit, conf::BackendId backend);

  std::atomic<std::size_t> queue_max_{0};
  base::SteadyArray<Limit> limits_;  // by BackendId
};

}  // namespace holdfast::proxy
