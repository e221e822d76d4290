// Exchange, its life: admission, responses of our own, the end, the log.
#include "proxy/exchange.h"

#include <utility>

#include "proxy/access_line.h"
#include "proxy/trace.h"

namespace holdfast::proxy {

using base::ErrorCode;

Exchange::Exchange(Context& context)
    : context_(context),
      request_(context),
      dispatch_(request_, static_cast<DispatchOwner&>(*this), static_cast<net::StreamHandler&>(*this)),
      tunnel_(context),
      more_(context.scheduler.timer([this] { on_turn(); })) {
  request_.deadline = context.scheduler.timer([this] { on_due(); });
}

Exchange::~Exchange() { on_client_closed(); }

void Exchange::start(ClientSide& client, const http::RequestHead& head, const RequestPiece& first) {
  request_.begin(client, head, first);
  dispatch_.reset();
  response_ = {};
  context_.counters.requests.add();

  ForwardContext forward = client.facts().forward_context();
  const Origin origin = origin_of(head, forward);
  if (admit(head, forward, origin)) {
    if (first.state == RequestPiece::State::Bad) {
      reply_error(400, {});
    } else if (request_.upload.is_too_long()) {
      reply_error(413, {});
    } else {
      dispatch_.place(head, forward, origin);
    }
  }
  if (request_.state < State::Awaiting) request_.upload.keep_first();
}

inline bool Exchange::admit(const http::RequestHead& head, ForwardContext& forward, const Origin& origin) {
  const conf::Settings& settings = *request_.snapshot->settings;
  const Routed found = request_.snapshot->routes.find(head);
  const conf::Route* const route = found.route ? &settings.route(*found.route) : nullptr;
  const bool is_forwarded = route != nullptr && route->action == conf::RouteAction::Forward;
  const conf::Pool* const pool = is_forwarded ? &settings.pool(route->pool) : nullptr;
  request_.route = route;
  request_.pool = pool;
  if (pool != nullptr) forward.own_cookie = request_.snapshot->ticket_names[conf::index(pool->id)];
  TraceNames names;
  forward.request_id = names.request_id(context_.random);
  if (settings.server.traceparent == conf::Traceparent::Start) forward.traceparent = names.traceparent(context_.random);
  request_.head.assign(head, forward);
  if (origin.text.data() != forward.peer.data()) request_.origin = origin.text;

  if (pool == nullptr) return reply_here(head, found), false;
  request_.counters().requests.add();
  request_.upload.set_limit(
      route->request_body_bytes.value_or(pool->request_body_bytes.value_or(settings.limits.request_body_bytes)));
  return true;
}

/// What no backend is asked for.
void Exchange::reply_here(const http::RequestHead& head, const Routed& found) {
  const conf::Route* const route = request_.route;
  if (route == nullptr) {
    context_.counters.requests_refused.add();
    return reply_error(found.why == NoRoute::UnknownHost ? 421 : 404, {});
  }
  if (route->action == conf::RouteAction::Deny) return reply_error(403, {});
  reply(make_redirect_response(context_.scratch.response_head, context_.scratch.page, *route, head,
                               {.method = head.method}));
}

void Exchange::reply_error(int status, const ErrorDetails& details) {
  leave_backend();
  const ErrorFormat format = pick_format(request_.head.field("Accept"), request_.head.field("X-Requested-With"));
  reply(make_error_response(context_.scratch.response_head, context_.scratch.page, status,
                            {.method = request_.method,
                             .format = format,
                             .retry_after = details.retry_after,
                             .maintenance = details.maintenance,
                             .cause = details.cause}));
}

/// Sends context_.scratch.response_head and `body` as the whole response.
void Exchange::reply(std::string_view body) {
  response_.status = context_.scratch.response_head.status;
  response_.has_begun = response_.is_read = true;
  response_.bytes = body.size();
  request_.client->begin(context_.scratch.response_head, {});
  const bool is_sent = request_.client->send(body, ClientSide::More::No);
  // What the client has not taken yet goes out behind the exchange.
  finish(is_sent ? ClientSide::End::Whole : ClientSide::End::Cut);
}

void Exchange::leave_backend() {
  more_->cancel();
  dispatch_.leave();
}

void Exchange::finish(ClientSide::End how) {
  if (request_.is_forwarded()) {
    PoolCounters& counters = request_.counters();
    counters.responses[code_class(response_.status)].add();
    counters.stickiness[static_cast<std::size_t>(dispatch_.placement().word())].add();
    if (request_.state != State::Tunnelling) counters.total.add(context_.now() - request_.times.started);
  }
  close();
  request_.client->end(how);  // may begin nothing, but this exchange is no longer the client's
}

/// The request is over. What a spare exchange need not hold goes; the snapshot of now it keeps: the next request will
/// want that one.
inline void Exchange::close() {
  more_->cancel();
  dispatch_.end();
  request_.enter(Event::Finished);
  write_access_line();
  forget_old_snapshot();
  request_.newer.reset();
  request_.upload.release();
}

void Exchange::on_client_gone() {
  context_.counters.requests_aborted.add();
  finish(ClientSide::End::Cut);
}

void Exchange::on_client_closed() {
  if (request_.state == State::Done) return;
  context_.counters.requests_aborted.add();
  close();
}

void Exchange::forget_old_snapshot() {
  if (request_.snapshot != context_.snapshot) request_.snapshot.reset();
}

void Exchange::write_access_line() {
  const conf::Server& server = request_.snapshot->settings->server;
  if (server.access_log_path.empty()) return;
  const base::Instant started = request_.times.started;
  const Attempt& attempt = dispatch_.attempt();
  const auto since = [](base::Instant from, base::Instant to) {
    return to == base::Instant{} ? std::nullopt : std::optional(to - from);
  };
  AccessRecord record{.time = base::wall_now(),
                      .client = request_.origin.empty() ? std::string_view(request_.client->facts().peer_text)
                                                        : std::string_view(request_.origin),
                      .method = request_.head.method(),
                      .path = request_.head.path(),
                      .request_id = request_.head.request_id(),
                      .status = response_.status,
                      .bytes = response_.bytes,
                      .attempts = dispatch_.attempts(),
                      .queue = since(started, attempt.chosen()),
                      .connect = since(attempt.chosen(), attempt.connected()),
                      .first_byte = since(started, attempt.side().first_byte()),
                      .total = context_.now() - started,
                      .stickiness = dispatch_.placement().word()};
  if (request_.is_forwarded()) record.pool = request_.pool->name;
  if (attempt.backend()) record.backend = request_.known().settings->backend(*attempt.backend()).name;
  context_.scratch.text.clear();
  append_access_line(context_.scratch.text, record, server.access_log_format);
  context_.listener.on_access_line(context_.scratch.text);
}

void Exchange::extend_deadline(base::Duration by) {
  request_.extend_deadline(by);
  dispatch_.keep_session_alive();
}

void Exchange::on_view() {
  if (dispatch_.is_to_end()) return end_long();
  dispatch_.on_view();
}

void Exchange::on_due() {
  ClientSide& client = *request_.client;
  switch (request_.state) {
    case State::Choosing:
    case State::Judging:
      dispatch_.on_due();
      break;
    case State::Awaiting:
      on_awaited_too_long();
      break;
    case State::Relaying:
      if (client.is_blocked()) {
        on_client_gone();  // it does not take its response
      } else {
        on_response_cut(ErrorCode::Timeout);
      }
      break;
    case State::Tunnelling:
      finish(ClientSide::End::Whole);
      break;
    case State::Connecting:
    case State::Holding:
    case State::Done:
      break;
  }
  client.resume();
}

/// Who is it that does not move? A backend that has the whole request, or does not take it; otherwise the client,
/// unless it waits to be told to go on.
void Exchange::on_awaited_too_long() {
  const Upload& upload = request_.upload;
  const bool is_clients_turn = !upload.is_whole() && !dispatch_.side().is_blocked();
  if (is_clients_turn && !upload.is_abandoned() && !upload.awaits_continue()) return reply_error(408, {});
  dispatch_.on_attempt_failed(ErrorCode::Timeout);
}

}  // namespace holdfast::proxy
