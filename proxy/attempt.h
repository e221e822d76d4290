#pragma once

#include <memory>
#include <optional>

#include "proxy/backend_h1.h"
#include "proxy/context.h"

namespace holdfast::proxy {

/// Whoever makes attempts. Every call may end the attempt.
class AttemptOwner {
 public:
  AttemptOwner() = default;
  AttemptOwner(const AttemptOwner&) = delete;
  AttemptOwner& operator=(const AttemptOwner&) = delete;
  virtual ~AttemptOwner() = default;
  /// It waited at the backend's limit, and has a slot now.
  virtual void on_room() = 0;
  /// The dial is over: connected, or Refused, Unreachable, Timeout, Io.
  virtual void on_dialled(std::optional<base::ErrorCode> failure) = 0;
};

/// One try at one backend: a slot at its limit, a connection kept or dialled, the conversation on it, and what it says
/// about the backend. A value inside its exchange, used for one try after the other. Lives on its worker's thread.
class Attempt final {
 public:
  enum class Room : std::uint8_t { Entered, Queued, Full };
  enum class Kept : std::uint8_t { None, Pooled, Pinned };

  /// `events` are those of the connection, once there is one.
  Attempt(Context& context, AttemptOwner& owner, net::StreamHandler& events)
      : context_(context), owner_(owner), events_(events), side_(context) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { leave(); }

  /// Of a new request; the last one has left.
  void reset() {
    backend_.reset();
    chosen_ = connected_ = {};
    side_.reset();
  }
  /// Goes to `backend`: takes a slot at its limit, or queues for one. Queued: on_room() comes, or leave().
  Room enter(conf::BackendId backend) {
    backend_ = backend;
    if (!reserved_ && !context_.shared.concurrency.is_limited(backend)) return Room::Entered;
    return enter_limited(backend);
  }
  bool is_queued() const { return ticket_ != TicketId{} && context_.waiting.contains(ticket_); }
  void on_granted();
  /// Takes a slot at another backend ahead of enter(), if it has one left: reserved() says.
  void reserve(conf::BackendId backend);
  std::optional<conf::BackendId> reserved() const { return reserved_; }
  void leave_reserved();

  /// Counts this try in the backend's load. Then one of take_kept() and dial().
  void begin() {
    chosen_ = context_.now();
    is_counted_ = true;
    load().in_flight.fetch_add(1, std::memory_order_relaxed);
    counters().requests.add();
  }
  /// Goes on with `pinned`, where it fits, or, unless `only_pinned`, with a pooled connection.
  Kept take_kept(Lease& pinned, bool only_pinned, const BackendH1::Request& request);
  /// on_dialled() comes.
  void dial(const net::Address& address, base::Duration timeout, const BackendH1::Request& request);
  void cancel_dial() { dial_.reset(); }
  /// The response of a kept connection never came: the next dial is to the same backend.
  void forget_connection() { side_.drop(); }
  /// Lets go of the connection, the slot and the load, or of the wait for them. backend() stays known.
  void leave();

  std::optional<conf::BackendId> backend() const { return backend_; }
  const health::Verdict& verdict() const { return context_.view->of(*backend_); }
  BackendH1& side() { return side_; }
  const BackendH1& side() const { return side_; }
  bool is_under_way() const { return is_counted_; }
  BackendCounters& counters() { return context_.counters.backend[conf::index(*backend_)]; }
  base::Instant chosen() const { return chosen_; }
  base::Instant connected() const { return connected_; }

  /// A tunnel or an event stream: counted apart, and ended when its backend is left.
  void note_long();
  bool is_long() const { return is_long_; }
  /// It is long, and its backend is being left or gone.
  bool is_to_end(bool is_tunnel) const;

  /// What it met is a sign of how its backend is. What this process lacks (Overload) is not.
  void note_failure(base::ErrorCode code);
  /// The head of a response came.
  void note_success();

 private:
  void on_dialled(base::Result<std::unique_ptr<net::Stream>> made);
  Room enter_limited(conf::BackendId backend);
  void converse(Lease&& lease);
  BackendLoad& load() { return context_.shared.loads[conf::index(*backend_)]; }

  Context& context_;
  AttemptOwner& owner_;
  net::StreamHandler& events_;
  std::optional<conf::BackendId> backend_;
  std::optional<conf::BackendId> reserved_;  // whose limit it counts against ahead
  TicketId ticket_{};                        // waits for a slot
  std::unique_ptr<net::Dial> dial_;
  BackendH1 side_;
  base::Instant chosen_{};
  base::Instant connected_{};
  bool holds_slot_ = false;  // counts against the backend's max_requests
  bool is_counted_ = false;  // in the backend's load
  bool is_long_ = false;
};

}  // namespace holdfast::proxy
