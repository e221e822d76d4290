#include "proxy/exchange.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "http/h1_parser.h"
#include "proxy/access_line.h"
#include "proxy/error_page.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

int status_of(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::Timeout:
      return 504;
    case ErrorCode::Overload:
    case ErrorCode::Unavailable:
      return 503;
    default:
      return 502;
  }
}

constexpr std::size_t kHeadCapacityMax = 16u << 10;  // of one that is kept for the next request

}  // namespace

Exchange::Exchange(Context& context)
    : context_(context),
      to_backend_(context.buffers),
      tunnel_(context),
      timer_(context.scheduler.timer([this] { on_due(); })),
      more_(context.scheduler.timer([this] { on_more(); })) {}

Exchange::~Exchange() { on_client_closed(); }

void Exchange::reset() {
  state_ = State::Choosing;
  request_head_.clear();
  if (request_head_.capacity() > kHeadCapacityMax) request_head_.shrink_to_fit();
  request_id_ = {};
  origin_.clear();
  is_pinned_ = request_is_broken_ = is_move_noted_ = is_hung_ = is_released_ = has_overflowed_ = false;
  fresh_body_ = {};
  placement_ = {};
  backend_.reset();
  failed_from_.reset();
  body_fingerprint_ = {};
  client_tag_ = ClientTag::Everybody;
  losses_ = 0;
  lost_at_ = {};
  is_kind_known_ = true;
  tried_count_ = 0;
  attempts_ = 0;
  has_redialled_ = false;
  sent_bytes_ = 0;
  response_input_.clear();
  response_searched_ = 0;
  response_began_ = head_sent_ = response_is_read_ = backend_may_be_kept_ = is_held_ = false;
  interims_ = 0;
  plan_ = {};
  status_ = 0;
  bytes_to_client_ = 0;
  chosen_ = connected_ = first_byte_ = {};
}

void Exchange::enter(Event event) {
  const auto to = next(state_, event);
  base::check(to.has_value(), "the exchange's graph has this transition");
  state_ = *to;
}

/// Before a choice that comes later than the first one: where a reload has left the pool there, its backends as they
/// are now.
void Exchange::look_anew() {
  if (context_.snapshot == snapshot_ || !context_.settings().has(route_->pool)) return;
  newer_ = context_.snapshot;
  pool_ = &newer_->settings->pool(route_->pool);
}

/// The backend is where it was when it was chosen: its connections are worth keeping.
bool Exchange::is_current() const {
  if (&known() == context_.snapshot.get()) return true;
  const std::size_t at = conf::index(*backend_);
  return context_.settings().has(*backend_) && known().addresses[at] == context_.snapshot->addresses[at];
}

Placement::Tools Exchange::tools() {
  return {.snapshot = known(),
          .view = *context_.view,
          .balancer = context_.balancers[conf::index(route_->pool)],
          .loads = context_.shared.loads,
          .store = context_.shared.store,
          .handler = *this,
          .keyring = context_.shared.keyring,
          .last_cookie = client_->last_cookie(),
          .now = context_.now()};
}

/// Something has moved.
void Exchange::extend_deadline(base::Duration by) {
  const base::Instant now = context_.now();
  moved_ = now;
  timer_->set(now + by);
  keep_session_alive();
}

/// A session in use does not expire, however long its request takes.
void Exchange::keep_session_alive() {
  const base::Instant now = context_.now();
  if (now - kept_alive_ < context_.settings().sessions.idle_timeout / 4) return;
  kept_alive_ = now;
  if (state_ == State::Relaying || state_ == State::Tunnelling) placement_.keep_alive(tools(), pool());
}

void Exchange::start(Client& client, const http::RequestHead& head, std::span<char> rest) {
  reset();
  client_ = &client;
  // The workers share its count of owners: a request that finds its exchange with it does not touch that.
  if (snapshot_ != context_.snapshot) snapshot_ = context_.snapshot;
  started_ = kept_alive_ = context_.now();
  awaits_continue_ = head.expects_continue;
  method_ = head.method;
  client_minor_ = head.minor;
  client_keeps_alive_ = head.keep_alive;
  may_upgrade_ = head.wants_upgrade;
  request_is_chunked_ = head.framing.kind == http::Framing::Kind::Chunked;
  body_length_ = request_is_chunked_ ? Fingerprint::kChunked : head.framing.length;
  context_.counters.requests.add();

  request_body_.start(head.framing);
  const auto step = request_body_.take(rest);
  client.keep_leftover(rest.subspan(step.consumed));
  fresh_body_ = step.data;
  body_fingerprint_.add(fresh_body_);

  ForwardContext forward = client.forward_context();
  const Origin origin = origin_of(head, forward);
  if (admit(head, forward, origin)) {
    const std::uint64_t known_length = std::max(head.framing.length, request_body_.content_bytes());
    if (step.state == http::BodyReader::Step::State::Bad) {
      reply_error(400);
    } else if (body_max_ != 0 && known_length > body_max_) {
      reply_error(413);
    } else {
      place(head, forward, origin);
    }
  }
  if ((state_ == State::Choosing || state_ == State::Connecting) && !fresh_body_.empty()) {
    context_.buffers.lend(held_body_);
    held_body_.append(fresh_body_.data(), fresh_body_.size());
  }
  fresh_body_ = {};
}

void Exchange::connect() {
  enter(Event::Chosen);
  chosen_ = context_.now();
  ++attempts_;
  sent_bytes_ = 0;
  is_counted_ = true;
  context_.shared.loads[conf::index(*backend_)].in_flight.fetch_add(1, std::memory_order_relaxed);
  context_.counters.backend[conf::index(*backend_)].requests.add();
  if (client_->pinned()) lease_ = std::move(client_->pinned());
  if (lease_ && (lease_->backend() != *backend_ || lease_->stream().peer_ended() || has_stray_bytes())) lease_.drop();
  if (lease_) is_pinned_ = true;  // it stays this client's, whatever this request looks like
  if (!lease_ && !is_pinned_) lease_ = context_.pool.take(*backend_);
  if (lease_) return on_connected();
  dial();
}

/// What came on a pinned connection while nobody asked is nobody's response.
bool Exchange::has_stray_bytes() {
  std::array<char, 1> byte{};
  return lease_->stream().read(byte).state != net::IoResult::State::Blocked;
}

void Exchange::dial() {
  timer_->cancel();  // the dial has a deadline of its own
  dial_ =
      context_.dialer.dial(known().addresses[conf::index(*backend_)], snapshot_->settings->timeouts.connect,
                           [this](base::Result<std::unique_ptr<net::Stream>> made) { on_dialled(std::move(made)); });
}

void Exchange::on_dialled(base::Result<std::unique_ptr<net::Stream>> made) {
  Client& client = *client_;
  context_.scheduler.bury(std::move(dial_));
  if (made) {
    lost_at_ = {};  // a kept connection had grown old: somebody is there
    context_.counters.backend[conf::index(*backend_)].connects.add();
    lease_ = context_.pool.adopt(*backend_, std::move(*made));
    on_connected();
  } else {
    on_attempt_failed(made.error());
  }
  client.resume();
}

void Exchange::on_attempt_succeeded() {
  context_.counters.backend[conf::index(*backend_)].first_byte.add(first_byte_ - chosen_);
  if (failed_from_ && context_.response_head.status < 500) note_rescue();
  note_answered();
  auto& failures = context_.shared.loads[conf::index(*backend_)].failures_in_a_row;
  if (failures.load(std::memory_order_relaxed) == 0) return;
  failures.store(0, std::memory_order_relaxed);
  context_.listener.on_backend_success(*backend_);
}

void Exchange::note_rescue() {
  const auto raise = [](std::atomic<std::int64_t>& highest, std::int64_t to) {
    std::int64_t known = highest.load(std::memory_order_relaxed);
    while (known < to && !highest.compare_exchange_weak(known, to, std::memory_order_relaxed)) {
    }
  };
  BackendLoad& load = context_.shared.loads[conf::index(*failed_from_)];
  load.rescued.fetch_add(1, std::memory_order_relaxed);
  raise(load.rescue_last_ns, first_byte_.time_since_epoch().count());
  raise(load.rescue_longest_ns, (first_byte_ - started_).count());
}

/// The only judge of a failed attempt: note it, then try again, or answer. Not for what fails once the client has seen
/// a response begin (on_response_cut).
void Exchange::on_attempt_failed(const base::Error& error) {
  const Attempt attempt{
      .method = method_,
      .stage = !lease_                                             ? Attempt::Stage::Connecting
               : response_began_                                   ? Attempt::Stage::ResponseBegun
               : sent_bytes_ == 0                                  ? Attempt::Stage::ConnectedNothingSent
               : to_backend_.is_empty() && request_body_.is_done() ? Attempt::Stage::SentNoResponse
                                                                   : Attempt::Stage::PartlySent,
      .connection = lease_ && lease_->is_reused() ? Attempt::Connection::Reused : Attempt::Connection::Fresh,
      .body_is_replayable = request_body_.content_bytes() == held_body_.size() + fresh_body_.size(),
      .is_released = std::exchange(is_released_, false),
      .has_redialled = has_redialled_,
      .attempts = attempts_,
      .attempts_max = pool().retry.attempts,
      .error = error.code};
  // Who has waited for one backend's response until the deadline shall not wait as long for another's; and what this
  // process lacks it lacks elsewhere, too.
  const bool is_final = (error.code == ErrorCode::Timeout && lease_ && !attempt.is_released) ||
                        (error.code == ErrorCode::Overload && !lease_);
  Decision decision = is_final ? Decision::GiveUp : decide(attempt);
  // A kept connection that ends as its backend is judged down has not merely grown old.
  if (decision == Decision::RedialSame && !health::may_keep(context_.view->of(*backend_).state)) {
    decision = may_retry(attempt) ? Decision::TryElsewhere : Decision::GiveUp;
  }
  // A kept-alive connection that was dead says nothing about its backend.
  if (decision != Decision::RedialSame) note_failure(error.code);
  if (is_loss(error.code)) lost_at_ = context_.now();
  lease_.drop();
  to_backend_.clear();
  response_input_.clear();
  response_searched_ = 0;
  if (decision == Decision::RedialSame) {
    has_redialled_ = true;
    sent_bytes_ = 0;
    enter(Event::Redial);
    return dial();
  }
  if (lost_at_ != base::Instant{}) report_lost();
  if (decision == Decision::TryElsewhere && draws_on_budget(attempt) &&
      !context_.budgets[conf::index(route_->pool)].may_retry(context_.now())) {
    context_.counters.pool[conf::index(route_->pool)].retries_refused.add();
    decision = Decision::GiveUp;
  }
  if (must_await_verdict()) return await_verdict(decision, error.code);
  act(decision, error.code);
}

void Exchange::act(Decision decision, ErrorCode code) {
  if (decision == Decision::GiveUp) return give_up({code, {}});
  context_.counters.backend[conf::index(*backend_)].retried_away.add();
  enter(Event::Retry);
  request_is_broken_ = false;
  has_redialled_ = false;
  lost_at_ = {};
  place_elsewhere({code, {}});
}

/// What a request met is a sign of how its backend is. What this process lacks (Overload) is not.
void Exchange::note_failure(base::ErrorCode code) {
  context_.counters.backend[conf::index(*backend_)].failures[static_cast<std::size_t>(code)].add();
  if (code == ErrorCode::Overload) return;
  BackendLoad& load = context_.shared.loads[conf::index(*backend_)];
  // One page with a broken head does not make a broken server: a reason to probe it, not to eject it.
  const bool counts = code != ErrorCode::Malformed && code != ErrorCode::TooLarge;
  const std::uint32_t in_a_row = counts ? load.failures_in_a_row.fetch_add(1, std::memory_order_relaxed) + 1 : 0;
  if (in_a_row == 1) {
    load.failing_since_ns.store(context_.now().time_since_epoch().count(), std::memory_order_relaxed);
  }
  context_.listener.on_backend_failure(*backend_, code, in_a_row);
}

/// Where no backend may serve, people see the maintenance page.
void Exchange::give_up(const base::Error& error) {
  context_.counters.pool[conf::index(route_->pool)].failed.add();
  if (error.code != ErrorCode::Unavailable) return reply_error(status_of(error));
  reply_error(status_of(error), {.maintenance = snapshot_->maintenance_pages[conf::index(route_->pool)]});
}

void Exchange::reply_error(int status, const ErrorDetails& details) {
  leave_backend();
  status_ = static_cast<std::uint16_t>(status);
  const bool is_whole = request_body_.is_done() && status != 400;
  // The client's own head is gone; what it wanted to read is in the one we made of it.
  const auto parsed = http::parse_request_head(
      request_head_, 0, {.bytes_max = request_head_.size(), .fields_max = 4096}, context_.request_head);
  const bool is_parsed = parsed.state == http::Parsed::State::Complete;
  const bool keeps = is_whole && client_keeps_alive_ && !client_->ends_after_response();
  context_.text.clear();
  append_error_response(context_.text, status,
                        {.method = method_,
                         .format = is_parsed ? pick_format(context_.request_head) : ErrorFormat::Text,
                         .client_minor = client_minor_,
                         .after = keeps ? After::KeepAlive : After::Close,
                         .retry_after = details.retry_after,
                         .maintenance = details.maintenance,
                         .cause = details.cause});
  reply(!is_whole ? Client::Next::Linger : keeps ? Client::Next::KeepAlive : Client::Next::Close);
}

void Exchange::redirect(const http::RequestHead& head) {
  const bool keeps = request_body_.is_done() && client_keeps_alive_ && !client_->ends_after_response();
  context_.text.clear();
  status_ = static_cast<std::uint16_t>(append_redirect_response(
      context_.text, *route_, head,
      {.method = method_, .client_minor = client_minor_, .after = keeps ? After::KeepAlive : After::Close}));
  reply(!request_body_.is_done() ? Client::Next::Linger : keeps ? Client::Next::KeepAlive : Client::Next::Close);
}

/// Sends context_.text as the whole response.
void Exchange::reply(Client::Next next) {
  head_sent_ = true;
  response_is_read_ = true;
  bytes_to_client_ = context_.text.size();
  context_.counters.client_bytes_out.add(bytes_to_client_);
  const iovec pieces[] = {piece(context_.text)};
  if (client_->send_buffer().write(client_->stream(), pieces).state == SendBuffer::State::Failed)
    next = Client::Next::Abort;
  finish(next);  // what the client has not taken yet goes out behind the exchange
}

/// Lets go of the backend: connection, place in its gate and in its load, or the wait for one.
void Exchange::leave_backend() {
  timer_->cancel();
  more_->cancel();
  if (hung_) hung_->cancel();
  if (std::exchange(awaits_verdict_, false)) std::erase(context_.awaiting_verdict, this);
  placement_.stop_waiting();
  dial_.reset();  // not buried: its timer could still call us in this turn
  lease_.drop();
  to_backend_.clear();
  if (ticket_ != TicketId{} && context_.waiting.erase(ticket_) != 0) {
    context_.shared.concurrency.forget(*backend_, ticket_, *context_.grants);
  }
  ticket_ = {};
  if (std::exchange(is_long_, false)) {
    context_.shared.loads[conf::index(*backend_)].long_lived.fetch_sub(1, std::memory_order_relaxed);
  }
  if (std::exchange(is_counted_, false)) {
    context_.shared.loads[conf::index(*backend_)].in_flight.fetch_sub(1, std::memory_order_relaxed);
  }
  if (std::exchange(holds_slot_, false)) context_.shared.concurrency.leave(*backend_);
}

void Exchange::finish(Client::Next next) {
  leave_backend();
  leave_reserved();
  placement_.end_admission();
  const bool was_tunnel = state_ == State::Tunnelling;
  enter(Event::Finished);
  if (route_ != nullptr && route_->action == conf::RouteAction::Forward) {
    PoolCounters& counters = context_.counters.pool[conf::index(route_->pool)];
    counters.responses[code_class(status_)].add();
    counters.stickiness[static_cast<std::size_t>(placement_.word())].add();
    if (!was_tunnel) counters.total.add(context_.now() - started_);
  }
  if (!snapshot_->settings->server.access_log_path.empty()) write_access_line();
  give_back();
  client_->on_exchange_done(next);  // may begin nothing, but this exchange is no longer the client's
}

/// What a spare exchange need not hold. The snapshot of now it keeps: the next request will want that one.
void Exchange::give_back() {
  forget_old_snapshot();
  newer_.reset();
  context_.buffers.take_back(response_input_);
  context_.buffers.take_back(held_body_);
}

void Exchange::forget_old_snapshot() {
  if (snapshot_ != context_.snapshot) snapshot_.reset();
}

void Exchange::write_access_line() {
  const std::string_view head(request_head_);
  const std::string_view method = head.substr(0, head.find(' '));
  const std::string_view target = head.substr(method.size() + 1, head.find(' ', method.size() + 1) - method.size() - 1);
  const base::Instant now = context_.now();
  AccessRecord record{.time = base::wall_now(),
                      .client = origin_.empty() ? client_->peer_text() : std::string_view(origin_),
                      .method = method,
                      .path = target.substr(0, target.find('?')),
                      .request_id = head.substr(request_id_.at, request_id_.size),
                      .status = status_,
                      .bytes = bytes_to_client_,
                      .attempts = attempts_,
                      .total = now - started_,
                      .stickiness = placement_.word()};
  if (route_ != nullptr && route_->action == conf::RouteAction::Forward) record.pool = pool().name;
  if (backend_) record.backend = known().settings->backend(*backend_).name;
  if (chosen_ != base::Instant{}) record.queue = chosen_ - started_;
  if (connected_ != base::Instant{}) record.connect = connected_ - chosen_;
  if (first_byte_ != base::Instant{}) record.first_byte = first_byte_ - started_;
  context_.text.clear();
  append_access_line(context_.text, record, snapshot_->settings->server.access_log_format);
  context_.listener.on_access_line(context_.text);
}

void Exchange::on_client_closed() {
  if (state_ == State::Done) return;
  leave_backend();
  leave_reserved();
  placement_.end_admission();
  state_ = State::Done;
  context_.counters.requests_aborted.add();
  if (!snapshot_->settings->server.access_log_path.empty()) write_access_line();
  give_back();
}

void Exchange::on_view() {
  if (!backend_) return;
  const health::Verdict& verdict = context_.view->of(*backend_);
  const health::State state = verdict.state;
  if (is_to_end()) {
    end_long();
  } else if (verdict.silent && is_counted_ && state_ != State::Tunnelling) {
    on_hung();
  } else if (state_ == State::Choosing && context_.waiting.contains(ticket_) && !health::may_keep(state)) {
    place_elsewhere({ErrorCode::Unavailable, "its backend went down while it waited"});
  }
}

/// It does not end by itself, and its backend is being left, or gone.
bool Exchange::is_to_end() const {
  if (!is_long_) return false;
  const health::Verdict& verdict = context_.view->of(*backend_);
  return verdict.ends_long || (state_ == State::Tunnelling && verdict.state == health::State::Down);
}

void Exchange::on_due() {
  Client& client = *client_;
  switch (state_) {
    case State::Choosing:
      if (awaits_verdict_) {
        on_verdict();
        break;
      }
      on_no_room({ErrorCode::Overload, "waited too long for a place"});
      break;
    case State::Awaiting:
      if (is_held_) break;  // the response is there
      // Who is it that does not move? A backend that has the whole request, or does not take it; else the client.
      // Nor is it the client who waits to be told to go on.
      if (!request_body_.is_done() && to_backend_.is_empty() && !request_is_broken_ && !awaits_continue_) {
        reply_error(408);
      } else {
        on_attempt_failed({ErrorCode::Timeout, "no answer in time"});
      }
      break;
    case State::Relaying:
      if (client_->send_buffer().is_empty()) {
        on_response_cut({ErrorCode::Timeout, "no progress"});
      } else {
        context_.counters.requests_aborted.add();  // it is the client who does not take its response
        finish(plan_.framing == http::Framing::Kind::UntilClose ? Client::Next::Reset : Client::Next::Abort);
      }
      break;
    case State::Tunnelling:
      finish(Client::Next::Close);
      break;
    case State::Connecting:
    case State::Done:
      break;
  }
  client.resume();
}

}  // namespace holdfast::proxy
