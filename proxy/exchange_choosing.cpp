// Exchange, before there is a connection: the route, the session, the backend, its gate.
#include <algorithm>
#include <utility>

#include "base/big_endian.h"
#include "base/text.h"
#include "proxy/exchange.h"
#include "proxy/trace.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

constexpr base::Duration kRetryWhenFull = std::chrono::seconds{10};

bool names_login(std::string_view credentials) {
  const std::string_view scheme = credentials.substr(0, credentials.find(' '));
  return base::iequals(scheme, "NTLM") || base::iequals(scheme, "Negotiate");
}

std::uint64_t hash_of(const AddressBytes& address) {
  const std::uint64_t low = base::load_big_endian(&address[8]);
  return base::Random::mix(low + base::Random::mix(base::load_big_endian(address.data())));
}

}  // namespace

bool Exchange::admit(const http::RequestHead& head, ForwardContext& forward, const Origin& origin) {
  const Routed found = snapshot_->routes.find(head);
  route_ = found.route ? &snapshot_->settings->route(*found.route) : nullptr;
  const bool forwards = route_ != nullptr && route_->action == conf::RouteAction::Forward;
  pool_ = forwards ? &snapshot_->settings->pool(route_->pool) : nullptr;
  if (forwards && pool().sticky.mode == conf::StickyMode::Cookie) forward.own_cookie = pool().sticky.cookie;
  TraceNames names;
  forward.request_id = names.request_id(context_.random);
  if (snapshot_->settings->server.traceparent == conf::Traceparent::Start) {
    forward.traceparent = names.traceparent(context_.random);
  }
  request_id_ = append_request_head(request_head_, head, forward);
  line_bytes_ = head.method_text.size() + 1 + head.path.size();
  if (origin.text.data() != forward.peer.data()) origin_ = origin.text;

  if (route_ == nullptr) {
    context_.counters.requests_refused.add();
    return reply_error(found.why == NoRoute::UnknownHost ? 421 : 404), false;
  }
  if (route_->action == conf::RouteAction::Deny) return reply_error(403), false;
  if (route_->action == conf::RouteAction::Redirect) return redirect(head), false;
  context_.counters.pool[conf::index(route_->pool)].requests.add();
  body_max_ = route_->request_body_bytes.value_or(
      pool().request_body_bytes.value_or(snapshot_->settings->limits.request_body_bytes));
  return true;
}

void Exchange::place(const http::RequestHead& head, const ForwardContext& forward, const Origin& origin) {
  Identity who;
  if (route_->sticky.value_or(true)) {
    who = identify(pool().sticky, head, origin.bytes, [this](std::string_view value) {
      return sessions::open(value, context_.shared.keyring).has_value();
    });
  } else {
    who.stickiness_applies = false;
  }
  address_ = origin.bytes;
  if (!context_.quarantine->entries.empty()) {
    client_tag_ = client_tag_of(who);
    if (refuse_if_quarantined()) return;
  }
  is_secure_ = base::iequals(scheme_of(head, forward), "https");
  if (head.has_authorization) {
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldId::Authorization && names_login(field.value)) is_pinned_ = true;
    }
  }
  context_.budgets[conf::index(route_->pool)].on_request(started_);
  failure_ = ErrorCode::Unavailable;  // unless one is found
  on_placed(placement_.first(tools(), pool(), who, hash_of(origin.bytes)));
}

/// The map has answered: the choice goes on.
void Exchange::on_binding(const sessions::BindResult& holds) {
  Client& client = *client_;
  look_anew();
  on_placed(placement_.answered(tools(), pool(), holds, std::span(tried_).first(tried_count_)));
  client.resume();
}

void Exchange::on_admission(sessions::Admission admission) {
  Client& client = *client_;
  look_anew();
  on_placed(placement_.admitted(tools(), pool(), std::move(admission)));
  client.resume();
}

void Exchange::on_placed(std::optional<conf::BackendId> backend) {
  if (placement_.is_waiting()) return;
  if (const auto from = placement_.take_moved_from()) note_move(*from);
  if (placement_.is_refused()) {
    PoolCounters& counters = context_.counters.pool[conf::index(route_->pool)];
    counters.sessions_refused.add();
    counters.failed.add();
    return reply_error(503, {.cause = ErrorCause::Full, .retry_after = kRetryWhenFull});
  }
  // A balancer of a pool that a reload has taken away may know more than this request does.
  if (!backend || !known().settings->has(*backend)) return give_up({failure_, {}});
  go_to(*backend);
}

/// Counts the move and tells the app of it: what it kept in the old node's memory is gone.
void Exchange::note_move(conf::BackendId from) {
  BackendCounters& counters = context_.counters.backend[conf::index(from)];
  counters.moved_away.add();
  const bool is_by_failure = attempts_ > 0 || has_overflowed_;
  if (is_by_failure) {
    counters.moved_by_failure[static_cast<std::size_t>(failure_)].add();
  } else {
    counters.moved_by_state[static_cast<std::size_t>(context_.view->of(from).state)].add();
  }
  const std::string_view reason =
      is_by_failure ? base::name_of(failure_) : health::reason_to_move(context_.view->of(from).state);
  context_.listener.on_moved(placement_.key(), {known().tag_of(from), reason, base::wall_now()});
  if (std::exchange(is_move_noted_, true)) return;
  append_moved_note(request_head_, known().settings->backend(from).name, reason);
}

void Exchange::go_to(conf::BackendId backend) {
  backend_ = backend;
  if (reserved_ == backend) {
    reserved_.reset();
    holds_slot_ = true;
    return connect();
  }
  leave_reserved();
  if (!context_.shared.concurrency.is_limited(backend)) return connect();
  ticket_ = TicketId{++context_.last_ticket};
  switch (context_.shared.concurrency.enter(backend, context_.scheduler, *context_.grants, ticket_)) {
    case ConcurrencyLimits::Entry::Entered:
      holds_slot_ = true;
      return connect();
    case ConcurrencyLimits::Entry::Full:
      return on_no_room({ErrorCode::Overload, "the queue is full"});
    case ConcurrencyLimits::Entry::Queued:
      break;
  }
  context_.waiting.emplace(ticket_, this);
  extend_deadline(snapshot_->settings->timeouts.queue);
}

/// Its backend would not have it in time. Where another one has room, the user moves there, once that room is ours:
/// nobody is turned away while somebody is idle. That is how those who fled to the survivors of an outage spread again
/// when it is over.
void Exchange::on_no_room(const base::Error& error) {
  leave_backend();
  if (!has_overflowed_) reserved_ = reserve_elsewhere();
  if (!reserved_) return give_up(error);
  has_overflowed_ = true;
  place_elsewhere(error);
}

/// The one with the least to do for its weight, and a place at its gate.
std::optional<conf::BackendId> Exchange::reserve_elsewhere() const {
  // A login that belongs to a connection goes nowhere; and one backend alone is to be active in a failover pool.
  if (is_pinned_ || client_->pinned() || pool().balance == conf::BalanceMethod::Failover) return std::nullopt;
  const auto tried = std::span(tried_).first(tried_count_);
  const conf::Backend* best = nullptr;
  double least = 0;
  for (const conf::Backend& other : known().settings->backends_of(pool())) {
    if (other.id == *backend_ || other.weight == 0 || other.backup) continue;
    if (!health::may_take_new(context_.view->of(other.id).state)) continue;
    if (std::find(tried.begin(), tried.end(), other.id) != tried.end()) continue;
    const std::uint32_t load = context_.shared.loads[conf::index(other.id)].in_flight.load(std::memory_order_relaxed);
    if (other.max_requests != 0 && load >= other.max_requests) continue;
    const double share = (load + 1.0) / other.weight;
    if (best != nullptr && share >= least) continue;
    best = &other;
    least = share;
  }
  if (best == nullptr || !context_.shared.concurrency.enter_if_room(best->id)) return std::nullopt;
  return best->id;
}

void Exchange::leave_reserved() {
  if (!reserved_) return;
  context_.shared.concurrency.leave(*reserved_);
  reserved_.reset();
}

void Exchange::on_granted(conf::BackendId backend) {
  Client& client = *client_;
  holds_slot_ = true;
  if (health::may_keep(context_.view->of(backend).state)) {
    connect();
  } else {
    place_elsewhere({ErrorCode::Unavailable, "its backend went down while it waited"});
  }
  client.resume();
}

/// Anywhere but where it was, which has failed or gone.
void Exchange::place_elsewhere(const base::Error& error) {
  leave_backend();
  if (tried_count_ == tried_.size()) return give_up(error);
  tried_[tried_count_++] = *backend_;
  if (error.code != ErrorCode::Overload) failed_from_ = backend_;  // full is not failed
  failure_ = error.code;
  look_anew();
  on_placed(placement_.again(tools(), pool(), std::span(tried_).first(tried_count_), reserved_));
}

}  // namespace holdfast::proxy
