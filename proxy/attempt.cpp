#include "proxy/attempt.h"

#include <utility>

namespace holdfast::proxy {

using base::ErrorCode;

Attempt::Room Attempt::enter_limited(conf::BackendId backend) {
  if (reserved_ == backend) {
    reserved_.reset();
    holds_slot_ = true;
    return Room::Entered;
  }
  leave_reserved();
  ConcurrencyLimits& limits = context_.shared.concurrency;
  if (!limits.is_limited(backend)) return Room::Entered;
  ticket_ = TicketId{++context_.last_ticket};
  switch (limits.enter(backend, context_.scheduler, *context_.grants, ticket_)) {
    case ConcurrencyLimits::Entry::Entered:
      holds_slot_ = true;
      return Room::Entered;
    case ConcurrencyLimits::Entry::Full:
      return Room::Full;
    case ConcurrencyLimits::Entry::Queued:
      break;
  }
  context_.waiting.emplace(ticket_, this);
  return Room::Queued;
}

void Attempt::on_granted() {
  holds_slot_ = true;
  owner_.on_room();
}

void Attempt::reserve(conf::BackendId backend) {
  if (context_.shared.concurrency.enter_if_room(backend)) reserved_ = backend;
}

void Attempt::leave_reserved() {
  if (!reserved_) return;
  context_.shared.concurrency.leave(*reserved_);
  reserved_.reset();
}

Attempt::Kept Attempt::take_kept(Lease& pinned, bool only_pinned, const BackendH1::Request& request) {
  side_.prepare(request);
  if (pinned) {
    Lease lease = std::move(pinned);
    net::Stream& stream = lease->stream();
    if (lease->backend() == *backend_ && !stream.peer_ended() && !has_stray_bytes(stream)) {
      converse(std::move(lease));
      return Kept::Pinned;
    }
  }
  if (only_pinned) return Kept::None;
  Lease lease = context_.pool.take(*backend_);
  if (!lease) return Kept::None;
  converse(std::move(lease));
  return Kept::Pooled;
}

void Attempt::dial(const net::Address& address, base::Duration timeout, const BackendH1::Request& request) {
  side_.prepare(request);
  dial_ = context_.dialer.dial(
      address, timeout, [this](base::Result<std::unique_ptr<net::Stream>> made) { on_dialled(std::move(made)); });
}

void Attempt::on_dialled(base::Result<std::unique_ptr<net::Stream>> made) {
  context_.scheduler.bury(std::move(dial_));
  if (!made) return owner_.on_dialled(made.error().code);
  counters().connects.add();
  converse(context_.pool.adopt(*backend_, std::move(*made)));
  owner_.on_dialled(std::nullopt);
}

inline void Attempt::converse(Lease&& lease) {
  connected_ = context_.now();
  side_.start(std::move(lease), events_);
}

void Attempt::leave() {
  dial_.reset();  // not buried: its timer could still call us in this turn
  side_.drop();
  if (ticket_ != TicketId{} && context_.waiting.erase(ticket_) != 0) {
    context_.shared.concurrency.forget(*backend_, ticket_, *context_.grants);
  }
  ticket_ = {};
  if (std::exchange(is_long_, false)) load().long_lived.fetch_sub(1, std::memory_order_relaxed);
  if (std::exchange(is_counted_, false)) load().in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (std::exchange(holds_slot_, false)) context_.shared.concurrency.leave(*backend_);
}

void Attempt::note_long() {
  is_long_ = true;
  load().long_lived.fetch_add(1, std::memory_order_relaxed);
}

bool Attempt::is_to_end(bool is_tunnel) const {
  if (!is_long_) return false;
  return verdict().ends_long || (is_tunnel && verdict().state == health::State::Down);
}

void Attempt::note_failure(ErrorCode code) {
  counters().failures[static_cast<std::size_t>(code)].add();
  if (code == ErrorCode::Overload) return;
  // One page with a broken head does not make a broken server: a reason to probe it, not to eject it.
  const bool counts = code != ErrorCode::Malformed && code != ErrorCode::TooLarge;
  const std::uint32_t in_a_row = counts ? load().failures_in_a_row.fetch_add(1, std::memory_order_relaxed) + 1 : 0;
  if (in_a_row == 1) {
    load().failing_since_ns.store(context_.now().time_since_epoch().count(), std::memory_order_relaxed);
  }
  context_.listener.on_backend_failure(*backend_, code, in_a_row);
}

void Attempt::note_success() {
  counters().first_byte.add(side_.first_byte() - chosen_);
  auto& failures = load().failures_in_a_row;
  if (failures.load(std::memory_order_relaxed) == 0) return;
  failures.store(0, std::memory_order_relaxed);
  context_.listener.on_backend_success(*backend_);
}

}  // namespace holdfast::proxy
