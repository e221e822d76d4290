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

/// A worker, as the gates see it.
class GrantSink {
 public:
  GrantSink() = default;
  GrantSink(const GrantSink&) = delete;
  GrantSink& operator=(const GrantSink&) = delete;
  virtual ~GrantSink() = default;
  /// On the worker's thread: the ticket's turn has come, its place is taken. If nobody waits for it any more, the
  /// worker calls Gates::leave.
  virtual void on_granted(conf::BackendId backend, TicketId ticket) = 0;
};

/// The doors of backends with max_requests: so many requests in flight at once over all workers, the rest waits in one
/// fair queue each. Backends without a limit have no gate and cost nothing. Any thread.
class Gates {
 public:
  enum class Entry : std::uint8_t { Entered, Queued, Full };

  explicit Gates(const conf::Settings& settings) { configure(settings); }
  /// The same anew, after a reload: where there is more room now, the longest waiting ones enter. One thread.
  void configure(const conf::Settings& settings);

  bool is_gated(conf::BackendId backend) const { return gate(backend).places.load(std::memory_order_relaxed) != 0; }
  /// Entered: call leave() later. Queued: `sink.on_granted(backend, ticket)` comes on `loop`, or call forget(). Full:
  /// the queue is at its limit. Loop and sink outlive the gates' use of them: a worker forgets its tickets before it
  /// goes.
  Entry enter(conf::BackendId backend, base::Scheduler& loop, GrantSink& sink, TicketId ticket);
  /// Entered or not; true also where there is no gate: leave() either way.
  bool enter_if_room(conf::BackendId backend);
  void leave(conf::BackendId backend);
  /// Gives up waiting. A grant that is already under way still comes.
  void forget(conf::BackendId backend, TicketId ticket, const GrantSink& sink);

  std::uint64_t waiting(conf::BackendId backend) const;

 private:
  struct Waiter {
    base::Scheduler* loop;
    GrantSink* sink;
    TicketId ticket;
  };
  struct Gate {
    mutable std::mutex mutex;
    std::atomic<std::uint32_t> places{0};  // 0: no limit, no gate
    std::uint32_t taken = 0;
    std::list<Waiter> queue;

    bool is_full() const { return places != 0 && taken >= places; }
  };

  const Gate& gate(conf::BackendId backend) const { return gates_[conf::index(backend)]; }
  Gate& gate(conf::BackendId backend) { return gates_[conf::index(backend)]; }
  static void admit_first(Gate& gate, conf::BackendId backend);

  std::atomic<std::size_t> queue_max_{0};
  base::SteadyArray<Gate> gates_;  // by BackendId
};

}  // namespace holdfast::proxy
