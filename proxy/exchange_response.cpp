// Exchange, towards the client: the response's head and body, tunnels.
#include <array>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "http/h1_parser.h"
#include "proxy/exchange.h"
#include "proxy/response_headers.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;
constexpr int kReadsPerTurn = 8;
constexpr int kInterimsMax = 64;

bool offers_login(std::string_view challenge) {
  const std::string_view scheme = challenge.substr(0, challenge.find_first_of(" ,"));
  return base::iequals(scheme, "NTLM") || base::iequals(scheme, "Negotiate");
}

/// It ends when its reader leaves. A browser's comes again by itself when we end it (HTML, server-sent events).
bool is_event_stream(const http::ResponseHead& head) {
  for (const http::Field& field : head.fields) {
    if (!base::iequals(field.name, "Content-Type")) continue;
    return base::iequals(base::trim(field.value.substr(0, field.value.find(';'))), "text/event-stream");
  }
  return false;
}

}  // namespace

void Exchange::on_readable() {
  Client& client = *client_;
  read_response();
  client.resume();
}

void Exchange::read_response() {
  switch (state_) {
    case State::Awaiting:
      return read_response_head();
    case State::Relaying:
      return relay_response_body();
    case State::Tunnelling:
      return run_tunnel(tunnel_.pump());
    default:
      return;
  }
}

void Exchange::read_response_head() {
  if (is_held_) return;
  std::span<char> scratch(*context_.scratch);
  std::size_t have = response_input_.size();
  if (have != 0) std::memcpy(scratch.data(), response_input_.data(), have);
  for (;;) {
    const net::IoResult got = lease_->stream().read(scratch.subspan(have));
    if (got.state == net::IoResult::State::Blocked) {
      if (request_is_broken_) on_attempt_failed({ErrorCode::Reset, "the backend stopped reading the request"});
      return;
    }
    if (got.state == net::IoResult::State::Closed)
      return on_attempt_failed({ErrorCode::Closed, "closed without an answer"});
    if (got.state == net::IoResult::State::Failed) return on_attempt_failed({got.error, "no answer"});
    if (!response_began_) first_byte_ = context_.now();
    response_began_ = true;
    has_filled_ = got.bytes == scratch.size() - have;
    if (take_response_head(have + got.bytes)) return;
    have = response_input_.size();
    std::memcpy(scratch.data(), response_input_.data(), have);
  }
}

/// True: the head has been dealt with (or the exchange is over). False: more bytes are needed; those of the head so far
/// are in response_input_, interim responses before it have been passed on.
bool Exchange::take_response_head(std::size_t have) {
  std::span<char> scratch(*context_.scratch);
  http::ResponseHead& head = context_.response_head;
  const conf::Limits& limits = snapshot_->settings->limits;
  std::size_t at = 0;
  for (;;) {
    const auto parsed = http::parse_response_head(
        {scratch.data() + at, have - at}, at == 0 ? response_searched_ : 0,
        {.bytes_max = limits.response_head_bytes, .fields_max = limits.headers}, method_, head);
    if (parsed.state == http::Parsed::State::Bad) {
      on_attempt_failed({ErrorCode::Malformed, parsed.why});
      return true;
    }
    if (parsed.state == http::Parsed::State::Incomplete) {
      context_.buffers.lend(response_input_);
      response_input_.assign(scratch.data() + at, have - at);
      response_searched_ = have - at;
      return false;
    }
    const std::size_t began = std::exchange(at, at + parsed.consumed);
    if (head.status == 101) return begin_tunnel(scratch.subspan(at, have - at)), true;
    if (head.status >= 200) return on_response_head(scratch.subspan(began, have - began), parsed.consumed), true;
    if (!send_interim(head)) return true;
  }
}

bool Exchange::send_interim(const http::ResponseHead& head) {
  awaits_continue_ = false;
  if (++interims_ > kInterimsMax) {
    return on_attempt_failed({ErrorCode::Malformed, "interim answers without end"}), false;
  }
  extend_deadline(request_body_.is_done() ? response_timeout() : snapshot_->settings->timeouts.body_idle);
  if (client_minor_ == 0) return true;  // RFC 9110 section 15.2: they would not understand it
  context_.text.clear();
  append_interim_head(context_.text, head);
  const iovec pieces[] = {piece(context_.text)};
  return send_to_client(pieces);
}

void Exchange::on_response_head(std::span<char> whole, std::size_t head_bytes) {
  if (!is_held_) {
    const http::ResponseHead& head = context_.response_head;
    on_attempt_succeeded();
    status_ = head.status;
    context_.counters.backend[conf::index(*backend_)].responses[code_class(head.status)].add();
    learn_from(head);
    if (placement_.is_ending()) return hold_response(whole);
  }
  is_held_ = false;
  send_response_head(whole.subspan(head_bytes));
}

/// The response ends a session: who has it shall not find the session alive anywhere.
void Exchange::hold_response(std::span<const char> whole) {
  is_held_ = true;
  context_.buffers.lend(response_input_);
  response_input_.assign(whole.data(), whole.size());
  response_searched_ = 0;
}

void Exchange::on_ended() {
  Client& client = *client_;
  if (placement_.ended() && is_held_) {
    const std::size_t have = response_input_.size();
    std::memcpy(context_.scratch->data(), response_input_.data(), have);
    response_input_.clear();
    take_response_head(have);
  }
  client.resume();
}

void Exchange::send_response_head(std::span<char> rest) {
  const http::ResponseHead& head = context_.response_head;
  // A response before the request's end: the rest of the request will find nobody, so this connection ends with it.
  const bool keeps = client_keeps_alive_ && !client_->ends_after_response() && request_body_.is_done();
  plan_ = plan_response(head, client_minor_, keeps ? After::KeepAlive : After::Close);
  backend_may_be_kept_ = head.keep_alive;

  std::string& text = context_.text;
  text.clear();
  std::string cookie_line;
  if (placement_.gives_cookie()) {
    append_own_cookie(cookie_line, pool().sticky.cookie, placement_.cookie_to_give(tools()), pool().sticky.same_site,
                      is_secure_ ? Secure::Yes : Secure::No);
  }
  append_response_head(
      text, head,
      {.plan = plan_,
       .client_minor = client_minor_,
       .set_cookie_line = cookie_line,
       .own_cookie = pool().sticky.mode == conf::StickyMode::Cookie ? std::string_view(pool().sticky.cookie) : "",
       .date = context_.date()});
  response_body_.start(head.framing);
  enter(Event::Answered);
  head_sent_ = true;
  if (head.framing.kind != http::Framing::Kind::Length && is_event_stream(head)) note_long();
  keep_session_alive();
  if (!take_response_bytes(rest, text)) return;
  // Most responses have come whole by now, and need no deadline.
  extend_deadline(snapshot_->settings->timeouts.body_idle);
  relay_response_body();
}

void Exchange::learn_from(const http::ResponseHead& head) {
  if (head.has_set_cookie && pool().sticky.mode == conf::StickyMode::AppCookie) {
    const long long now = std::chrono::duration_cast<std::chrono::seconds>(base::wall_now().time_since_epoch()).count();
    learn(pool().sticky, head, now, [&](const AppSession& session) {
      if (session.event == AppSession::Event::Set) {
        placement_.learn(tools(), pool(), *backend_, session.name, session.value);
      } else {
        placement_.ended_by_app(tools(), pool(), session.name, session.value);
      }
    });
  }
  placement_.end_admission();
  if (!head.has_challenge && !head.has_holdfast) return;
  for (const http::Field& field : head.fields) {
    if (field.id == http::FieldId::WwwAuthenticate && (head.status == 401 || is_pinned_) && offers_login(field.value)) {
      is_pinned_ = true;
    }
    if (field.id == http::FieldId::XHoldfast && base::iequals(field.name, "X-Holdfast-Session") &&
        base::iequals(field.value, "end")) {
      placement_.end(tools(), pool());
    }
  }
}

/// Takes what came of the body and sends it, behind `head` where that is not empty. False: the exchange is over.
bool Exchange::take_response_bytes(std::span<char> bytes, std::string_view head) {
  const auto step = response_body_.take(bytes);
  if (step.state == http::BodyReader::Step::State::Bad) {
    if (!head.empty()) {
      const iovec pieces[] = {piece(head)};
      if (!send_to_client(pieces)) return false;
    }
    return on_response_cut({ErrorCode::Malformed, step.why}), false;
  }
  std::array<char, 20> size;
  std::array<iovec, 6> pieces;
  std::size_t count = 0;
  const auto add = [&](std::string_view text) { pieces[count++] = piece(text); };
  if (!head.empty()) add(head);
  const bool chunks = plan_.framing == http::Framing::Kind::Chunked;
  if (!step.data.empty()) {
    if (chunks) add(http::chunk_head(step.data.size(), size));
    add({step.data.data(), step.data.size()});
    if (chunks) add(http::kChunkEnd);
    bytes_to_client_ += step.data.size();
  }
  const bool is_last = step.state == http::BodyReader::Step::State::Done;
  std::string last;
  if (is_last && chunks) {
    last.append(http::kLastChunk).append(response_body_.trailers()).append(http::kChunkEnd);
    add(last);
  }
  if (step.consumed != bytes.size()) backend_may_be_kept_ = false;  // bytes nobody asked for
  const bool is_end = is_last && plan_.after == After::Close;
  if (count != 0 &&
      !send_to_client(std::span(pieces).first(count), is_end ? SendBuffer::Then::Last : SendBuffer::Then::More)) {
    return false;
  }
  if (is_last) on_response_read();
  return !response_is_read_;
}

bool Exchange::send_to_client(std::span<const iovec> pieces, SendBuffer::Then then) {
  const auto wrote = client_->send_buffer().write(client_->stream(), pieces, then);
  context_.counters.client_bytes_out.add(wrote.bytes);
  if (wrote.state != SendBuffer::State::Failed) return true;
  context_.counters.requests_aborted.add();
  return finish(Client::Next::Abort), false;
}

void Exchange::relay_response_body() {
  std::span<char> scratch(*context_.scratch);
  for (int i = 0; client_->send_buffer().is_empty() && lease_; ++i) {
    if (i == kReadsPerTurn) return more_->set(context_.now());
    const net::IoResult got = lease_->stream().read(scratch);
    if (got.state == net::IoResult::State::Blocked) return;
    if (got.state == net::IoResult::State::Failed) return on_response_cut({got.error, "cut short"});
    extend_deadline(snapshot_->settings->timeouts.body_idle);
    has_filled_ = got.bytes == scratch.size();
    if (got.state == net::IoResult::State::Closed) {
      if (!response_body_.may_end_here()) return on_response_cut({ErrorCode::Closed, "cut short"});
      backend_may_be_kept_ = false;
      if (plan_.framing == http::Framing::Kind::Chunked) {
        const iovec pieces[] = {piece(http::kLastChunk), piece(http::kChunkEnd)};
        if (!send_to_client(pieces)) return;
      }
      return on_response_read();
    }
    if (!take_response_bytes(scratch.first(got.bytes), {})) return;
  }
}

/// The response is whole; the client may still have to take the end of it, the backend is free at once.
void Exchange::on_response_read() {
  response_is_read_ = true;
  const bool whole_request = request_body_.is_done() && to_backend_.is_empty() && !request_is_broken_;
  if (!request_body_.is_done()) request_is_broken_ = true;  // what still comes of it is nobody's
  if (backend_may_be_kept_ && whole_request && lease_ && is_current() && is_quiet()) {
    if (is_pinned_) {
      lease_->stream().set_handler(nullptr);
      client_->pinned() = std::move(lease_);
    } else {
      lease_.keep();
    }
  }
  if (client_->send_buffer().is_empty()) return finish_if_sent();
  leave_backend();
  extend_deadline(snapshot_->settings->timeouts.body_idle);
}

/// Nothing lies behind the response: a read that left no room unused may have left bytes unread, and the edge is spent.
bool Exchange::is_quiet() { return !has_filled_ || !has_stray_bytes(); }

void Exchange::finish_if_sent() {
  if (!response_is_read_ || !client_->send_buffer().is_empty()) return;
  if (!request_body_.is_done()) return finish(Client::Next::Linger);
  finish(plan_.after == After::KeepAlive ? Client::Next::KeepAlive : Client::Next::Close);
}

/// The client has seen the response begin and must learn that it will not be whole: chunked and counted bodies end
/// short, one that ends with the connection ends by RST.
void Exchange::on_response_cut(const base::Error& error) {
  context_.counters.responses_cut.add();
  note_failure(error.code);
  if (is_loss(error.code)) {
    lost_at_ = context_.now();
    report_lost();
  }
  const bool end_looks_whole = plan_.framing == http::Framing::Kind::UntilClose;
  finish(end_looks_whole ? Client::Next::Reset : Client::Next::Abort);
}

void Exchange::on_client_writable() {
  if (state_ == State::Tunnelling) return run_tunnel(tunnel_.flush());
  const auto wrote = client_->send_buffer().flush(client_->stream());
  context_.counters.client_bytes_out.add(wrote.bytes);
  if (wrote.state == SendBuffer::State::Failed) {
    context_.counters.requests_aborted.add();
    return finish(Client::Next::Abort);
  }
  if (state_ == State::Relaying) extend_deadline(snapshot_->settings->timeouts.body_idle);
  if (wrote.state != SendBuffer::State::Sent) return;
  if (response_is_read_) return finish_if_sent();
  if (state_ == State::Relaying) relay_response_body();
}

void Exchange::begin_tunnel(std::span<char> rest) {
  const http::ResponseHead& head = context_.response_head;
  if (!may_upgrade_) return on_attempt_failed({ErrorCode::Malformed, "an upgrade nobody asked for"});
  on_attempt_succeeded();
  status_ = head.status;
  context_.counters.backend[conf::index(*backend_)].responses[code_class(head.status)].add();
  placement_.end_admission();
  context_.text.clear();
  std::string cookie_line;
  if (placement_.gives_cookie()) {
    append_own_cookie(cookie_line, pool().sticky.cookie, placement_.cookie_to_give(tools()), pool().sticky.same_site,
                      is_secure_ ? Secure::Yes : Secure::No);
  }
  append_response_head(
      context_.text, head,
      {.plan = plan_,
       .client_minor = client_minor_,
       .set_cookie_line = cookie_line,
       .own_cookie = pool().sticky.mode == conf::StickyMode::Cookie ? std::string_view(pool().sticky.cookie) : "",
       .date = context_.date()});
  enter(Event::Upgraded);
  head_sent_ = true;
  const iovec pieces[] = {piece(context_.text), {rest.data(), rest.size()}};
  if (!send_to_client(pieces)) return;
  // What the client sent right behind its request belongs to the new protocol.
  const std::string glued = client_->take_leftover();
  const iovec up[] = {piece(glued)};
  if (!glued.empty() && to_backend_.write(lease_->stream(), up).state == SendBuffer::State::Failed) {
    return finish(Client::Next::Abort);
  }
  note_long();
  tunnel_.start(client_->stream(), client_->send_buffer(), lease_->stream(), to_backend_);
  run_tunnel(tunnel_.pump());
}

void Exchange::note_long() {
  is_long_ = true;
  context_.shared.loads[conf::index(*backend_)].long_lived.fetch_add(1, std::memory_order_relaxed);
  if (is_to_end()) more_->set(context_.now());  // it has begun after all of them were told to end
}

/// Its backend is being left: the client comes again by itself and is served elsewhere.
void Exchange::end_long() {
  if (state_ == State::Tunnelling) return finish(Client::Next::Close);
  if (state_ != State::Relaying || response_is_read_) return;
  backend_may_be_kept_ = false;
  plan_.after = After::Close;
  if (plan_.framing == http::Framing::Kind::Chunked) {
    const iovec pieces[] = {piece(http::kLastChunk), piece(http::kChunkEnd)};
    if (!send_to_client(pieces)) return;
  }
  on_response_read();
}

void Exchange::run_tunnel(Tunnel::Outcome outcome) {
  bytes_to_client_ = tunnel_.bytes_to_client();
  switch (outcome) {
    case Tunnel::Outcome::Goes:
      if (tunnel_.wants_more()) more_->set(context_.now());
      return extend_deadline(snapshot_->settings->timeouts.tunnel_idle);
    case Tunnel::Outcome::BackendBroken:
      note_failure(ErrorCode::Reset);
      return finish(Client::Next::Abort);
    case Tunnel::Outcome::Ended:  // both sides have said and been told so: nothing is left to wait for
    case Tunnel::Outcome::Broken:
      return finish(Client::Next::Abort);
  }
}

}  // namespace holdfast::proxy
