// Dispatch, on the way to a backend: the session, the backend, its limit, the connection.
#include "proxy/dispatch.h"

#include <utility>
#include <vector>

#include "base/big_endian.h"
#include "base/text.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

constexpr base::Duration kRetryWhenFull = std::chrono::seconds{10};

/// Of credentials or a challenge: a login that belongs to the connection (RFC 4559).
bool is_connection_login(std::string_view value) {
  const std::string_view scheme = value.substr(0, value.find_first_of(" ,"));
  return base::iequals(scheme, "NTLM") || base::iequals(scheme, "Negotiate");
}

std::uint64_t hash_of(const AddressBytes& address) {
  const std::uint64_t low = base::load_big_endian(&address[8]);
  return base::Random::mix(low + base::Random::mix(base::load_big_endian(address.data())));
}

}  // namespace

void Dispatch::reset() {
  placement_.emplace();
  crash_check_.reset();
  tries_ = {};
  attempt_.reset();
}

void Dispatch::leave() {
  request_.deadline->cancel();
  if (hung_) hung_->cancel();
  if (request_.state == State::Judging) std::erase(context_.awaiting_verdict, this);
  placement_->stop_waiting();
  attempt_.leave();
}

void Dispatch::end() {
  leave();
  attempt_.leave_reserved();
  placement_->end_admission();
}

Placement::Tools Dispatch::tools() {
  return {.snapshot = request_.known(),
          .view = *context_.view,
          .balancer = context_.balancers[conf::index(request_.route->pool)],
          .loads = context_.shared.loads,
          .store = context_.shared.store,
          .handler = *this,
          .keyring = context_.shared.keyring,
          .last_cookie = request_.client->facts().last_cookie,
          .now = context_.now()};
}

void Dispatch::extend_session() {
  request_.times.kept_alive = context_.now();
  if (request_.state == State::Relaying || request_.state == State::Tunnelling) {
    placement_->keep_alive(tools(), *request_.pool);
  }
}

void Dispatch::place(const http::RequestHead& head, const ForwardContext& forward, const Origin& origin) {
  Identity who;
  if (request_.route->sticky.value_or(true)) {
    who = identify(request_.pool->sticky, head, origin.bytes, [this](std::string_view value) {
      return sessions::open(value, context_.shared.keyring).has_value();
    });
  } else {
    who.stickiness_applies = false;
  }
  crash_check_.set_address(origin.bytes);
  if (!context_.quarantine->entries.empty()) {
    crash_check_.identify(*request_.pool, who);
    if (refuse_if_quarantined()) return;
  }
  request_.flags.is_secure = base::iequals(scheme_of(head, forward), "https");
  if (head.has_authorization) {
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldId::Authorization && is_connection_login(field.value)) {
        request_.flags.is_pinned = true;
      }
    }
  }
  context_.budgets[conf::index(request_.route->pool)].on_request(request_.times.started);
  const std::string& ticket_name = request_.known().ticket_names[conf::index(request_.route->pool)];
  if (request_.pool->sticky.mode == conf::StickyMode::Cookie || ticket_name.empty()) {
    return on_placed(placement_->first(tools(), *request_.pool, who, hash_of(origin.bytes)));
  }
  const ShownTickets shown = shown_tickets(head, ticket_name);
  on_placed(placement_->first(tools(), *request_.pool, who, hash_of(origin.bytes), &shown));
}

/// The map has responded: the choice goes on.
void Dispatch::on_binding(const sessions::BindResult& holds) {
  ClientSide& client = *request_.client;
  request_.look_anew();
  on_placed(placement_->answered(tools(), *request_.pool, holds, tries_.failed()));
  client.resume();
}

void Dispatch::on_admission(sessions::Admission admission) {
  ClientSide& client = *request_.client;
  request_.look_anew();
  on_placed(placement_->admitted(tools(), *request_.pool, std::move(admission)));
  client.resume();
}

inline void Dispatch::on_placed(std::optional<conf::BackendId> backend) {
  if (placement_->is_waiting()) return;
  if (const auto from = placement_->take_moved_from()) note_move(*from);
  if (placement_->is_refused()) {
    request_.counters().sessions_refused.add();
    request_.counters().failed.add();
    return owner_.reply_error(503, {.cause = ErrorCause::Full, .retry_after = kRetryWhenFull});
  }
  // A balancer of a pool that a reload has taken away may know more than this request does.
  if (!backend || !request_.known().settings->has(*backend)) return give_up(tries_.failure);
  go_to(*backend);
}

/// Counts the move and tells the app about it: what it kept in the old backend's memory is gone.
void Dispatch::note_move(conf::BackendId from) {
  BackendCounters& counters = context_.counters.backend[conf::index(from)];
  counters.moved_away.add();
  const bool is_by_failure = tries_.attempts > 0 || tries_.has_overflowed;
  const health::State state = context_.view->of(from).state;
  if (is_by_failure) {
    counters.moved_by_failure[static_cast<std::size_t>(tries_.failure)].add();
  } else {
    counters.moved_by_state[static_cast<std::size_t>(state)].add();
  }
  const std::string_view reason = is_by_failure ? base::name_of(tries_.failure) : health::reason_to_move(state);
  context_.listener.on_moved(placement_->key(), {request_.known().tag_of(from), reason, base::wall_now()});
  if (std::exchange(tries_.is_move_noted, true)) return;
  request_.head.note_move(request_.known().settings->backend(from).name, reason);
}

inline void Dispatch::go_to(conf::BackendId backend) {
  switch (attempt_.enter(backend)) {
    case Attempt::Room::Entered:
      return connect();
    case Attempt::Room::Full:
      return on_no_room();
    case Attempt::Room::Queued:
      return request_.extend_deadline(request_.timeouts().queue);
  }
}

/// Its backend would not have it in time. Where another one has room, the user moves there, once that room is ours:
/// nobody is turned away while a backend is idle. That is how users who moved to the survivors of an outage spread
/// again when it is over.
void Dispatch::on_no_room() {
  leave();
  // A login that belongs to a connection goes nowhere.
  const bool may_leave = !request_.flags.is_pinned && !request_.client->facts().pinned;
  if (may_leave && !tries_.has_overflowed) {
    const auto other = with_most_room(*request_.known().settings, *request_.pool, *context_.view, context_.shared.loads,
                                      *attempt_.backend(), tries_.failed());
    if (other) attempt_.reserve(*other);
  }
  if (!attempt_.reserved()) return give_up(ErrorCode::Overload);
  tries_.has_overflowed = true;
  place_elsewhere(ErrorCode::Overload);
}

void Dispatch::on_room() {
  ClientSide& client = *request_.client;
  if (health::may_keep(attempt_.verdict().state)) {
    connect();
  } else {
    place_elsewhere(ErrorCode::Unavailable);
  }
  client.resume();
}

/// Anywhere but where it was, which has failed or gone.
void Dispatch::place_elsewhere(ErrorCode code) {
  leave();
  if (tries_.count == tries_.backends.size()) return give_up(code);
  tries_.backends[tries_.count++] = *attempt_.backend();
  if (code != ErrorCode::Overload) tries_.failed_from = attempt_.backend();  // full is not failed
  tries_.failure = code;
  request_.look_anew();
  on_placed(placement_->again(tools(), *request_.pool, tries_.failed(), attempt_.reserved()));
}

inline void Dispatch::connect() {
  request_.enter(Event::Chosen);
  ++tries_.attempts;
  attempt_.begin();
  switch (attempt_.take_kept(request_.client->facts().pinned, request_.flags.is_pinned, request_.wire())) {
    case Attempt::Kept::Pinned:
      request_.flags.is_pinned = true;  // it stays this client's, whatever this request looks like
      return owner_.on_connected();
    case Attempt::Kept::Pooled:
      return owner_.on_connected();
    case Attempt::Kept::None:
      return dial();
  }
}

void Dispatch::dial() {
  request_.deadline->cancel();  // the dial has a deadline of its own
  attempt_.dial(request_.known().addresses[conf::index(*attempt_.backend())], request_.timeouts().connect,
                request_.wire());
}

void Dispatch::on_dialled(std::optional<ErrorCode> failure) {
  ClientSide& client = *request_.client;
  if (failure) {
    on_attempt_failed(*failure);
  } else {
    crash_check_.forget_loss();  // a kept connection had grown old: somebody is there
    owner_.on_connected();
  }
  client.resume();
}

void Dispatch::on_responded(unsigned status) {
  attempt_.counters().responses[code_class(status)].add();
  attempt_.note_success();
  if (tries_.failed_from && status < 500) {
    const base::Instant first_byte = side().first_byte();
    context_.shared.loads[conf::index(*tries_.failed_from)].note_rescue(first_byte,
                                                                        first_byte - request_.times.started);
  }
  crash_check_.note_survived(subject());
}

void Dispatch::learn_from(const http::ResponseHead& head) {
  const conf::Pool& pool = *request_.pool;
  if (head.has_set_cookie && pool.sticky.mode == conf::StickyMode::AppCookie) {
    const long long now = std::chrono::duration_cast<std::chrono::seconds>(base::wall_now().time_since_epoch()).count();
    learn(pool.sticky, head, now, [&](const AppSession& session) {
      if (session.event == AppSession::Event::Set) {
        context_.ticket_style_of(pool.id) = TicketStyle::like(http::parse_cookie_style(session.field));
        placement_->learn(tools(), pool, *attempt_.backend(), session.name, session.value);
      } else {
        placement_->ended_by_app(tools(), pool, session.name, session.value);
      }
    });
  }
  placement_->end_admission();
  if (!head.has_challenge && !head.has_holdfast) return;
  bool& is_pinned = request_.flags.is_pinned;
  for (const http::Field& field : head.fields) {
    if (field.id == http::FieldId::WwwAuthenticate && (head.status == 401 || is_pinned) &&
        is_connection_login(field.value)) {
      is_pinned = true;
    }
    if (field.id == http::FieldId::XHoldfast && base::iequals(field.name, "X-Holdfast-Session") &&
        base::iequals(field.value, "end")) {
      placement_->end(tools(), pool);
    }
  }
}

}  // namespace holdfast::proxy
