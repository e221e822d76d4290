#include "web/http_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace holdfast::web {

HttpClient::HttpClient(const net::Address& address, base::Scheduler& scheduler, net::Dialer& dialer, Handler& handler,
                       const HttpClientLimits& limits)
    : address_(address),
      scheduler_(scheduler),
      dialer_(dialer),
      handler_(handler),
      limits_(limits),
      deadline_(scheduler.timer([this] { on_deadline(); })) {}

HttpClient::~HttpClient() {
  if (stream_) stream_->set_handler(nullptr);
}

// --- the request ---

void HttpClient::send(const Request& request) {
  base::check(phase_ == Phase::Idle, "one request at a time");
  request_ = request;
  deadline_->set(request_.since + request_.timeout);
  if (request_.connect == Connect::Reuse && stream_ && !stream_->peer_ended()) {
    is_reused_ = true;
    return start_exchange();
  }
  drop_stream();
  dial();
}

void HttpClient::cancel() {
  phase_ = Phase::Idle;
  deadline_->cancel();
  dial_.reset();  // never on the stack here; buried, its own timer could still fire in this turn
  drop_stream();
  forget_response();
}

void HttpClient::dial() {
  phase_ = Phase::Dialling;
  const base::Duration left = request_.since + request_.timeout - scheduler_.now();
  dial_ = dialer_.dial(address_, std::max(left, base::Duration::zero()),
                       [this](base::Result<std::unique_ptr<net::Stream>> result) { on_dialled(std::move(result)); });
}

void HttpClient::on_dialled(base::Result<std::unique_ptr<net::Stream>> result) {
  scheduler_.bury(std::exchange(dial_, nullptr));
  if (!result) {
    if (result.error().code == base::ErrorCode::Timeout) return on_deadline();
    return fail(result.error().code, result.error().text);
  }
  stream_ = *std::move(result);
  stream_->set_handler(this);
  is_reused_ = false;
  start_exchange();
  on_readable();  // what came before we listened has no event any more
}

void HttpClient::on_deadline() {
  const char* const what = phase_ == Phase::Dialling ? "no connection within " : "no complete response within ";
  fail(base::ErrorCode::Timeout, what + base::duration_text(request_.timeout));
}

void HttpClient::start_exchange() {
  forget_response();
  phase_ = Phase::Head;
  sent_ = 0;
  send_rest();
}

void HttpClient::send_rest() {
  const std::string_view bytes = request_.bytes.substr(sent_);
  const iovec rest{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  const net::IoResult result = stream_->write({&rest, 1});
  sent_ += result.bytes;
  // A failed write is left for on_readable to find: the response, or the reason, may be there to be read. Only a stale
  // connection can be replaced at once, and the deadline covers the rest.
  if (result.state == net::IoResult::State::Failed) redial_if_stale();
}

void HttpClient::on_writable() {
  if (phase_ != Phase::Idle && sent_ < request_.bytes.size()) send_rest();
}

// --- the response ---

void HttpClient::on_readable() {
  std::array<char, 4096> scratch;
  if (phase_ == Phase::Idle) {
    // Its end, or bytes nobody asked for; an echo of what has been read already is no harm.
    if (stream_ && stream_->read(scratch).state != net::IoResult::State::Blocked) drop_stream();
    return;
  }
  while (stream_) {
    const net::IoResult got = stream_->read(scratch);
    if (got.bytes > 0) {
      const Progress progress = take({scratch.data(), got.bytes});
      if (progress.state == Progress::State::Bad) return fail(base::ErrorCode::Malformed, std::string(progress.why));
      if (progress.state != Progress::State::More) {
        return complete(progress.state, got.bytes < scratch.size() && !stream_->peer_ended());
      }
    }
    switch (got.state) {
      case net::IoResult::State::Ok:
        break;
      case net::IoResult::State::Blocked:
        return;
      case net::IoResult::State::Closed:
        return on_end();
      case net::IoResult::State::Failed:
        return on_broken(got.error);
    }
  }
}

HttpClient::Progress HttpClient::take(std::span<char> input) {
  return phase_ == Phase::Head ? take_head(input) : take_body(input);
}

HttpClient::Progress HttpClient::take_head(std::span<char> input) {
  head_bytes_.append(input.data(), input.size());
  http::ResponseHead head;
  for (;;) {
    const http::Parsed parsed = http::parse_response_head(head_bytes_, searched_, limits_.head, request_.method, head);
    if (parsed.state == http::Parsed::State::Bad) return {Progress::State::Bad, parsed.why};
    if (parsed.state == http::Parsed::State::Incomplete) {
      searched_ = head_bytes_.size();
      return {};
    }
    searched_ = 0;
    status_ = head.status;
    const bool is_interim = status_ < 200 && status_ != 101;  // RFC 9110 section 15.2
    if (!is_interim) {
      may_keep_ = head.keep_alive && status_ != 101;
      reader_.start(head.framing);
      wanted_ = handler_.on_head(head);
      return start_body(std::span(head_bytes_).subspan(parsed.consumed));
    }
    head_bytes_.erase(0, parsed.consumed);
  }
}

HttpClient::Progress HttpClient::start_body(std::span<char> rest) {
  if (wanted_ == Body::Leave) return {Progress::State::Cut};
  phase_ = Phase::Body;
  if (!reader_.is_done()) return rest.empty() ? Progress{} : take_body(rest);
  if (!rest.empty()) may_keep_ = false;
  return {Progress::State::Whole};
}

HttpClient::Progress HttpClient::take_body(std::span<char> input) {
  const std::size_t most = limits_.body_bytes_max;
  while (!input.empty()) {
    const http::BodyReader::Step step = reader_.take(input);
    if (step.state == http::BodyReader::Step::State::Bad) return {Progress::State::Bad, step.why};
    const std::size_t room = most - std::min(body_.size(), most);
    if (wanted_ == Body::Keep) body_.append(step.data.data(), std::min(room, step.data.size()));
    input = input.subspan(step.consumed);
    if (step.state == http::BodyReader::Step::State::Done) {
      if (!input.empty()) may_keep_ = false;  // more than was asked for
      return {Progress::State::Whole};
    }
    if (reader_.content_bytes() > most) return {Progress::State::Cut};
  }
  return {};
}

void HttpClient::on_end() {
  if (phase_ == Phase::Body && reader_.may_end_here()) return complete(Progress::State::Cut, false);
  on_broken(base::ErrorCode::Closed);
}

void HttpClient::on_broken(base::ErrorCode code) {
  if (redial_if_stale()) return;
  const bool has_begun = phase_ == Phase::Body || !head_bytes_.empty();
  fail(code, has_begun ? "the response was cut short" : "the connection ended before a response");
}

bool HttpClient::redial_if_stale() {
  if (!is_reused_ || phase_ != Phase::Head || !head_bytes_.empty()) return false;
  drop_stream();
  dial();
  return true;
}

// --- the end ---

void HttpClient::complete(Progress::State state, bool is_emptied) {
  const bool keeps = state == Progress::State::Whole && may_keep_ && is_emptied && sent_ == request_.bytes.size();
  const std::uint16_t status = status_;
  const std::string body = std::exchange(body_, {});
  phase_ = Phase::Idle;
  deadline_->cancel();
  forget_response();
  if (!keeps) drop_stream();
  handler_.on_response(status, body);
}

void HttpClient::fail(base::ErrorCode code, std::string text) {
  const std::uint16_t status = status_;
  cancel();
  handler_.on_failed({code, std::move(text)}, status);
}

void HttpClient::drop_stream() {
  if (!stream_) return;
  stream_->set_handler(nullptr);
  scheduler_.bury(std::exchange(stream_, nullptr));
}

void HttpClient::forget_response() {
  // Swapped away, not cleared: thousands of idle clients hold no memory.
  std::string().swap(head_bytes_);
  std::string().swap(body_);
  searched_ = 0;
  status_ = 0;
  may_keep_ = false;
}

}  // namespace holdfast::web
