// Exchange, bytes both ways: the request's body up, the response down, tunnels.
#include <utility>

#include "base/text.h"
#include "proxy/exchange.h"
#include "proxy/response_headers.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;
constexpr int kInterimsMax = 64;

/// It ends when its reader leaves. A browser's comes again by itself when we end it (HTML, server-sent events).
bool is_event_stream(const http::ResponseHead& head) {
  for (const http::Field& field : head.fields) {
    if (!base::iequals(field.name, "Content-Type")) continue;
    return base::iequals(base::trim(field.value.substr(0, field.value.find(';'))), "text/event-stream");
  }
  return false;
}

}  // namespace

void Exchange::on_connected() {
  Upload& upload = request_.upload;
  const auto wrote = upload.send_first(dispatch_.side(), request_.head, *request_.client);
  if (wrote.state == SendBuffer::State::Failed) return dispatch_.on_attempt_failed(wrote.error);
  request_.enter(Event::Sent);
  const bool is_sent = wrote.state == SendBuffer::State::Sent;
  if (is_sent && upload.is_whole()) return extend_deadline(request_.response_timeout());
  extend_deadline(request_.timeouts().body_idle);
  if (is_sent) relay_request();
}

void Exchange::relay_request() {
  const auto [outcome, has_moved] = request_.upload.pump(*request_.client, dispatch_.side());
  if (has_moved) extend_deadline(request_.timeouts().body_idle);
  switch (outcome) {
    case Upload::Outcome::Waits:
      return;
    case Upload::Outcome::Sent:
      if (request_.state == State::Awaiting) extend_deadline(request_.response_timeout());
      return;
    case Upload::Outcome::Turn:
      return more_->set(context_.now());
    case Upload::Outcome::ClientGone:
      return finish(ClientSide::End::Cut);
    case Upload::Outcome::Bad:
    case Upload::Outcome::TooLong:
      if (response_.has_begun) return finish(ClientSide::End::Cut);
      return reply_error(outcome == Upload::Outcome::TooLong ? 413 : 400, {});
    case Upload::Outcome::BackendBroken:
      return read_response();  // it may have responded already (413 and a closed connection, say)
  }
}

void Exchange::on_client_readable() {
  if (request_.state == State::Tunnelling) return run_tunnel(tunnel_.pump());
  if (!request_.upload.is_whole() && request_.is_conversing()) return relay_request();
  // Before there is somebody to send it to the body waits in the kernel. And once the response is whole on our side,
  // what is left of it goes out, whoever still listens.
  if (request_.client->has_left() && !response_.is_read) finish(ClientSide::End::Cut);
}

void Exchange::on_client_writable() {
  if (request_.state == State::Tunnelling) return run_tunnel(tunnel_.flush());
  const ClientSide::Sent sent = request_.client->flush();
  if (sent == ClientSide::Sent::Failed) return on_client_gone();
  if (request_.state == State::Relaying) extend_deadline(request_.timeouts().body_idle);
  if (sent != ClientSide::Sent::All) return;
  if (response_.is_read) return finish_if_sent();
  if (request_.state == State::Relaying) relay_response();
}

void Exchange::on_readable() {
  ClientSide& client = *request_.client;
  read_response();
  client.resume();
}

void Exchange::on_writable() {
  ClientSide& client = *request_.client;
  BackendH1& side = dispatch_.side();
  if (request_.state == State::Tunnelling) {
    run_tunnel(tunnel_.flush());
  } else if (side.is_blocked()) {
    const auto wrote = side.flush();
    if (wrote.state == SendBuffer::State::Failed) {
      request_.upload.abandon();
      side.stop_sending();
      read_response();
    } else if (wrote.state == SendBuffer::State::Sent) {
      extend_deadline(request_.timeouts().body_idle);
      if (!request_.upload.is_whole()) {
        relay_request();
      } else if (request_.state == State::Awaiting) {
        extend_deadline(request_.response_timeout());
      }
    }
  }
  client.resume();
}

void Exchange::on_turn() {
  ClientSide& client = *request_.client;
  if (dispatch_.is_to_end()) {
    end_long();
  } else if (request_.state == State::Tunnelling) {
    run_tunnel(tunnel_.pump());
  } else {
    // Sending the request may end the exchange; what is left of the response is then nobody's.
    if (request_.is_conversing()) relay_request();
    if (request_.state == State::Relaying) relay_response();
  }
  client.resume();
}

void Exchange::read_response() {
  if (request_.state == State::Relaying) return relay_response();
  if (request_.state == State::Tunnelling) return run_tunnel(tunnel_.pump());
  while (request_.state == State::Awaiting) {
    const BackendSide::HeadRead got = dispatch_.side().read_head();
    switch (got.state) {
      case BackendSide::HeadRead::State::Blocked:
        if (request_.upload.is_abandoned()) dispatch_.on_attempt_failed(ErrorCode::Reset);  // it reads no more
        return;
      case BackendSide::HeadRead::State::Failed:
        return dispatch_.on_attempt_failed(got.error);
      case BackendSide::HeadRead::State::Interim:
        if (!pass_interim()) return;
        break;
      case BackendSide::HeadRead::State::Upgrade:
        return begin_tunnel();
      case BackendSide::HeadRead::State::Final:
        return on_response_head();
    }
  }
}

/// False: the attempt or the exchange is over.
bool Exchange::pass_interim() {
  request_.upload.note_interim();
  if (++response_.interims > kInterimsMax) return dispatch_.on_attempt_failed(ErrorCode::Malformed), false;
  extend_deadline(request_.upload.is_whole() ? request_.response_timeout() : request_.timeouts().body_idle);
  if (request_.client->interim(context_.scratch.response_head)) return true;
  return on_client_gone(), false;
}

inline void Exchange::on_response_head() {
  response_.status = context_.scratch.response_head.status;
  dispatch_.on_responded(response_.status);
  dispatch_.learn_from(context_.scratch.response_head);
  if (!dispatch_.placement().is_publishing()) return send_response_head();
  // The response ends a session or begins one: who has it must find that to be so everywhere.
  request_.enter(Event::Publishing);
  dispatch_.side().hold();
}

void Exchange::on_published() {
  ClientSide& client = *request_.client;
  if (dispatch_.placement().published() && request_.state == State::Holding) {
    dispatch_.side().read_head();
    send_response_head();
  }
  client.resume();
}

/// Gives the client the response's head, with what we add to it.
inline void Exchange::begin_response() {
  const conf::Pool& pool = *request_.pool;
  const std::string& name = request_.known().ticket_names[conf::index(pool.id)];
  std::string cookie_line;
  if (dispatch_.placement().may_have_ticket()) append_ticket(cookie_line);
  request_.client->begin(context_.scratch.response_head, {.set_cookie_line = cookie_line, .own_cookie = name});
  response_.has_begun = true;
}

void Exchange::append_ticket(std::string& line) {
  using Action = Placement::TicketAction;
  const conf::Pool& pool = *request_.pool;
  Placement& placement = dispatch_.placement();
  const Action action = placement.ticket_action(dispatch_.tools(), pool);
  if (action == Action::None) return;
  auto style = TicketStyle::own(pool.sticky.same_site, request_.flags.is_secure);
  if (pool.sticky.mode != conf::StickyMode::Cookie) style = context_.ticket_style_of(pool.id).value_or(style);
  std::string ticket;
  if (action == Action::Give) {
    ticket = placement.ticket_to_give(dispatch_.tools(), pool, *dispatch_.attempt().backend());
  }
  append_ticket_cookie(line, request_.known().ticket_names[conf::index(pool.id)], ticket, style);
}

inline void Exchange::send_response_head() {
  const http::ResponseHead& head = context_.scratch.response_head;
  begin_response();
  request_.enter(Event::Answered);
  if (head.framing.kind != http::Framing::Kind::Length && is_event_stream(head)) note_long();
  dispatch_.keep_session_alive();
  if (!pass_on(dispatch_.side().read_body())) return;
  // Most responses have come whole by now, and need no deadline.
  extend_deadline(request_.timeouts().body_idle);
  relay_response();
}

/// Sends what came of the body. False: nothing more comes.
inline bool Exchange::pass_on(const BackendSide::BodyRead& got) {
  using Read = BackendSide::BodyRead::State;
  ClientSide& client = *request_.client;
  if (got.state == Read::Cut) {
    if (!client.send({}, ClientSide::More::Yes)) return on_client_gone(), false;  // a head may be waiting
    return on_response_cut(got.error), false;
  }
  const bool is_last = got.state == Read::Last;
  response_.bytes += got.content.size();
  const bool is_sent = is_last ? client.send(got.content, ClientSide::More::No, dispatch_.side().trailers())
                               : client.send(got.content, ClientSide::More::Yes);
  if (!is_sent) return on_client_gone(), false;
  if (is_last) on_response_read();
  return !is_last;
}

void Exchange::relay_response() {
  for (int i = 0; !request_.client->is_blocked() && dispatch_.side().is_connected(); ++i) {
    if (i == kReadsPerTurn) return more_->set(context_.now());
    const BackendSide::BodyRead got = dispatch_.side().read_body();
    if (got.state == BackendSide::BodyRead::State::Blocked) return;
    extend_deadline(request_.timeouts().body_idle);
    if (!pass_on(got)) return;
  }
}

/// The response is whole; the client may still have to take the end of it, the backend is free at once.
inline void Exchange::on_response_read() {
  response_.is_read = true;
  BackendH1& side = dispatch_.side();
  Upload& upload = request_.upload;
  const bool is_request_sent = upload.is_whole() && !side.is_blocked() && !upload.is_abandoned();
  if (!upload.is_whole()) upload.abandon();  // what still comes of it is nobody's
  if (is_request_sent && side.is_reusable() && request_.is_current(*dispatch_.attempt().backend())) {
    if (request_.flags.is_pinned) {
      request_.client->facts().pinned = side.take_lease();
    } else {
      side.keep();
    }
  }
  if (!request_.client->is_blocked()) return finish_if_sent();
  leave_backend();
  extend_deadline(request_.timeouts().body_idle);
}

void Exchange::finish_if_sent() {
  if (response_.is_read && !request_.client->is_blocked()) finish(ClientSide::End::Whole);
}

/// The client has seen the response begin and must learn that it will not be whole.
void Exchange::on_response_cut(ErrorCode code) {
  context_.counters.responses_cut.add();
  dispatch_.on_response_cut(code);
  finish(ClientSide::End::Cut);
}

void Exchange::begin_tunnel() {
  if (!request_.flags.may_upgrade) return dispatch_.on_attempt_failed(ErrorCode::Malformed);  // nobody asked for it
  response_.status = context_.scratch.response_head.status;
  dispatch_.on_responded(response_.status);
  dispatch_.placement().end_admission();
  begin_response();
  request_.enter(Event::Upgraded);
  const BackendSide::Upgraded up = dispatch_.side().upgrade();
  if (!request_.client->send(up.first, ClientSide::More::Yes)) return on_client_gone();
  const ClientSide::Upgraded down = request_.client->upgrade();
  // What the client sent right behind its request belongs to the new protocol.
  const iovec pieces[] = {piece(down.first)};
  if (!down.first.empty() && up.to_backend.write(up.stream, pieces).state == SendBuffer::State::Failed) {
    return finish(ClientSide::End::Cut);
  }
  note_long();
  tunnel_.start(down.stream, down.to_client, up.stream, up.to_backend);
  run_tunnel(tunnel_.pump());
}

void Exchange::note_long() {
  dispatch_.attempt().note_long();
  if (dispatch_.is_to_end()) more_->set(context_.now());  // it has begun after all of them were told to end
}

/// Its backend is being left: the client comes again by itself and is served elsewhere.
void Exchange::end_long() {
  if (request_.state == State::Tunnelling) return finish(ClientSide::End::Whole);
  if (request_.state != State::Relaying || response_.is_read) return;
  dispatch_.side().spoil();
  request_.client->close_after();
  if (!request_.client->send({}, ClientSide::More::No)) return on_client_gone();
  on_response_read();
}

void Exchange::run_tunnel(Tunnel::Outcome outcome) {
  response_.bytes = tunnel_.bytes_to_client();
  switch (outcome) {
    case Tunnel::Outcome::Goes:
      if (tunnel_.wants_more()) more_->set(context_.now());
      return extend_deadline(request_.timeouts().tunnel_idle);
    case Tunnel::Outcome::BackendBroken:
      dispatch_.attempt().note_failure(ErrorCode::Reset);
      return finish(ClientSide::End::Cut);
    case Tunnel::Outcome::Ended:  // both sides have sent and got their end: nothing is left to wait for
    case Tunnel::Outcome::Broken:
      return finish(ClientSide::End::Cut);
  }
}

}  // namespace holdfast::proxy
