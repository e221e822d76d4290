// Exchange, towards the backend: the request's head and body.
#include <array>

#include "proxy/exchange.h"

namespace holdfast::proxy {

namespace {
constexpr int kReadsPerTurn = 8;
}

base::Duration Exchange::response_timeout() const {
  return route_->response_timeout.value_or(pool().response_timeout.value_or(snapshot_->settings->timeouts.response));
}

void Exchange::on_connected() {
  connected_ = context_.now();
  lease_->stream().set_handler(this);
  send_request();
}

void Exchange::send_request() {
  const std::span<const char> body = held_body_.empty() ? fresh_body_ : std::span<const char>(held_body_);
  std::array<char, 20> size;
  std::array<iovec, 6> pieces{piece(request_head_)};
  std::size_t count = 1;
  const auto add = [&](std::string_view text) { pieces[count++] = piece(text); };
  if (!body.empty()) {
    if (request_is_chunked_) add(http::chunk_head(body.size(), size));
    add({body.data(), body.size()});
    if (request_is_chunked_) add(http::kChunkEnd);
  }
  std::string last;
  if (request_is_chunked_ && request_body_.is_done()) {
    last.append(http::kLastChunk).append(request_body_.trailers()).append(http::kChunkEnd);
    add(last);
  }
  const auto wrote = to_backend_.write(lease_->stream(), std::span(pieces).first(count));
  sent_bytes_ += wrote.bytes;
  if (wrote.state == SendBuffer::State::Failed)
    return on_attempt_failed({wrote.error, "the request could not be sent"});
  // From here on the body is on its way: what was held is no longer the whole of it.
  context_.buffers.take_back(held_body_);
  fresh_body_ = {};
  enter(Event::Sent);
  if (wrote.state == SendBuffer::State::Sent && request_body_.is_done()) return on_request_sent();
  extend_deadline(snapshot_->settings->timeouts.body_idle);
  if (wrote.state == SendBuffer::State::Sent) relay_request_body();
}

void Exchange::on_request_sent() {
  if (state_ == State::Awaiting) extend_deadline(response_timeout());
}

void Exchange::relay_request_body() {
  std::span<char> scratch(*context_.scratch);
  for (int i = 0; !request_body_.is_done() && to_backend_.is_empty() && client_->has_unread(); ++i) {
    if (i == kReadsPerTurn) return more_->set(context_.now());
    const net::IoResult got = client_->read(scratch);
    if (got.state == net::IoResult::State::Blocked) return;
    if (got.state != net::IoResult::State::Ok) return finish(Client::Next::Abort);  // gone in mid-request
    if (!take_request_bytes(scratch.first(got.bytes))) return;
  }
}

/// False: the exchange is over, or the request's way is.
bool Exchange::take_request_bytes(std::span<char> bytes) {
  const auto step = request_body_.take(bytes);
  body_fingerprint_.add(step.data);
  awaits_continue_ = false;
  client_->keep_leftover(bytes.subspan(step.consumed));
  const bool too_long = body_max_ != 0 && request_body_.content_bytes() > body_max_;
  if (step.state == http::BodyReader::Step::State::Bad || too_long) {
    if (head_sent_) return finish(Client::Next::Abort), false;
    return reply_error(too_long ? 413 : 400), false;
  }
  if (request_is_broken_) return true;  // nobody wants it any more
  return send_body_piece(step.data);
}

bool Exchange::send_body_piece(std::span<const char> data) {
  std::array<char, 20> size;
  std::array<iovec, 4> pieces;
  std::size_t count = 0;
  const auto add = [&](std::string_view text) { pieces[count++] = piece(text); };
  if (!data.empty()) {
    if (request_is_chunked_) add(http::chunk_head(data.size(), size));
    add({data.data(), data.size()});
    if (request_is_chunked_) add(http::kChunkEnd);
  }
  std::string last;
  if (request_is_chunked_ && request_body_.is_done()) {
    last.append(http::kLastChunk).append(request_body_.trailers()).append(http::kChunkEnd);
    add(last);
  }
  if (count != 0) {
    const auto wrote = to_backend_.write(lease_->stream(), std::span(pieces).first(count));
    sent_bytes_ += wrote.bytes;
    if (wrote.state == SendBuffer::State::Failed) return on_request_broken(), false;
  }
  extend_deadline(snapshot_->settings->timeouts.body_idle);
  if (request_body_.is_done() && to_backend_.is_empty()) on_request_sent();
  return true;
}

/// The backend takes no more of the request. It may have answered already (413 and a closed connection, say): that
/// answer is what the client should get.
void Exchange::on_request_broken() {
  request_is_broken_ = true;
  to_backend_.clear();
  read_response();
}

void Exchange::on_client_readable() {
  if (state_ == State::Tunnelling) return run_tunnel(tunnel_.pump());
  if (request_body_.is_done()) {
    // Once the response is whole on our side, what is left of it goes out, whoever still listens.
    if (!client_->notice_bytes() && !response_is_read_) finish(Client::Next::Abort);
  } else if (state_ == State::Awaiting || state_ == State::Relaying) {
    relay_request_body();
  } else if (client_->stream().peer_ended()) {
    finish(Client::Next::Abort);  // else the body waits in the kernel until there is somebody to send it to
  }
}

void Exchange::on_writable() {
  Client& client = *client_;
  if (state_ == State::Tunnelling) {
    run_tunnel(tunnel_.flush());
  } else if (!to_backend_.is_empty()) {
    const auto wrote = to_backend_.flush(lease_->stream());
    sent_bytes_ += wrote.bytes;
    if (wrote.state == SendBuffer::State::Failed) {
      on_request_broken();
    } else if (wrote.state == SendBuffer::State::Sent) {
      extend_deadline(snapshot_->settings->timeouts.body_idle);
      if (request_body_.is_done()) {
        on_request_sent();
      } else {
        relay_request_body();
      }
    }
  }
  client.resume();
}

void Exchange::on_more() {
  Client& client = *client_;
  if (is_to_end()) {
    end_long();
  } else if (state_ == State::Tunnelling) {
    run_tunnel(tunnel_.pump());
  } else {
    // Reading the response may end the exchange; what is left of the request is then nobody's.
    if (state_ == State::Awaiting || state_ == State::Relaying) relay_request_body();
    if (state_ == State::Relaying) read_response();
  }
  client.resume();
}

}  // namespace holdfast::proxy
