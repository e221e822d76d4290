#include "proxy/backend_h1.h"

#include <array>
#include <cstring>
#include <utility>

#include "http/h1_parser.h"
#include "proxy/h1_pieces.h"

namespace holdfast::proxy {

using base::ErrorCode;

bool has_stray_bytes(net::Stream& stream) {
  std::array<char, 1> byte{};
  return stream.read(byte).state != net::IoResult::State::Blocked;
}

Lease BackendH1::take_lease() {
  lease_->stream().set_handler(nullptr);
  return std::move(lease_);
}

/// A read that left no room unused may have left bytes unread, and the edge is spent.
bool BackendH1::is_reusable() { return may_be_kept_ && lease_ && (!has_filled_ || !has_stray_bytes(lease_->stream())); }

FailedAttempt::Stage BackendH1::stage(bool request_is_whole) const {
  using Stage = FailedAttempt::Stage;
  if (!lease_) return Stage::Connecting;
  if (has_begun_) return Stage::ResponseBegun;
  if (sent_bytes_ == 0) return Stage::ConnectedNothingSent;
  return request_is_whole && send_buffer_.is_empty() ? Stage::SentNoResponse : Stage::PartlySent;
}

inline SendBuffer::Outcome BackendH1::send(const H1Pieces& pieces) {
  const auto wrote = send_buffer_.write(lease_->stream(), pieces.all());
  sent_bytes_ += wrote.bytes;
  return wrote;
}

SendBuffer::Outcome BackendH1::send_head(const OwnedHead& head, const Content& first) {
  H1Pieces pieces(request_.framing);
  pieces.head(head.text());
  pieces.content(first.bytes);
  if (first.is_last) pieces.end(first.trailers);
  return send(pieces);
}

SendBuffer::Outcome BackendH1::send_body(const Content& piece) {
  H1Pieces pieces(request_.framing);
  pieces.content(piece.bytes);
  if (piece.is_last) pieces.end(piece.trailers);
  if (pieces.all().empty()) return {.state = is_blocked() ? SendBuffer::State::Pending : SendBuffer::State::Sent};
  return send(pieces);
}

SendBuffer::Outcome BackendH1::flush() {
  const auto wrote = send_buffer_.flush(lease_->stream());
  sent_bytes_ += wrote.bytes;
  return wrote;
}

BackendSide::HeadRead BackendH1::read_head() {
  HeadRead out;
  if (!input_.empty()) {
    std::memcpy(context_.scratch.bytes->data(), input_.data(), input_.size());
    fresh_ = std::span(*context_.scratch.bytes).first(input_.size());
    input_.clear();
  }
  for (;;) {
    if (fresh_.size() > searched_ && parse(out)) return out;
    const net::IoResult got = read_behind_fresh();
    switch (got.state) {
      case net::IoResult::State::Ok:
        break;
      case net::IoResult::State::Blocked:
        set_aside();
        return {};
      case net::IoResult::State::Closed:
        return {.state = HeadRead::State::Failed, .error = ErrorCode::Closed};
      case net::IoResult::State::Failed:
        return {.state = HeadRead::State::Failed, .error = got.error};
    }
  }
}

/// True: `out` is what came of it. False: more bytes are needed.
inline bool BackendH1::parse(HeadRead& out) {
  http::ResponseHead& head = context_.scratch.response_head;
  const auto parsed =
      http::parse_response_head({fresh_.data(), fresh_.size()}, searched_, request_.limits, request_.method, head);
  if (parsed.state == http::Parsed::State::Incomplete) {
    searched_ = fresh_.size();
    return false;
  }
  if (parsed.state == http::Parsed::State::Bad) {
    out = {.state = HeadRead::State::Failed, .error = ErrorCode::Malformed};
    return true;
  }
  searched_ = 0;
  fresh_ = fresh_.subspan(parsed.consumed);
  head_bytes_ = parsed.consumed;
  if (head.status == 101) {
    out.state = HeadRead::State::Upgrade;
  } else if (head.status < 200) {
    out.state = HeadRead::State::Interim;
  } else {
    out.state = HeadRead::State::Final;
    may_be_kept_ = head.keep_alive;
    body_.start(head.framing);
    body_has_begun_ = false;
  }
  return true;
}

inline net::IoResult BackendH1::read_behind_fresh() {
  std::span<char> scratch(*context_.scratch.bytes);
  if (fresh_.empty()) {
    fresh_ = scratch.first(0);
  } else if (fresh_.data() != scratch.data()) {  // behind an interim response
    std::memmove(scratch.data(), fresh_.data(), fresh_.size());
    fresh_ = scratch.first(fresh_.size());
  }
  const std::span<char> room = scratch.subspan(fresh_.size());
  const net::IoResult got = lease_->stream().read(room);
  if (got.state != net::IoResult::State::Ok) return got;
  if (!has_begun_) first_byte_ = context_.now();
  has_begun_ = true;
  has_filled_ = got.bytes == room.size();
  fresh_ = scratch.first(fresh_.size() + got.bytes);
  return got;
}

void BackendH1::set_aside() {
  if (!fresh_.empty()) {
    context_.buffers.lend(input_);
    input_.assign(fresh_.data(), fresh_.size());
  }
  fresh_ = {};
}

void BackendH1::hold() {
  fresh_ = {fresh_.data() - head_bytes_, head_bytes_ + fresh_.size()};
  set_aside();
}

BackendSide::BodyRead BackendH1::read_body() {
  if (!std::exchange(body_has_begun_, true)) return take(std::exchange(fresh_, {}));
  const net::IoResult got = lease_->stream().read(*context_.scratch.bytes);
  switch (got.state) {
    case net::IoResult::State::Ok:
      has_filled_ = got.bytes == context_.scratch.bytes->size();
      return take(std::span(*context_.scratch.bytes).first(got.bytes));
    case net::IoResult::State::Blocked:
      return {};
    case net::IoResult::State::Closed:
      may_be_kept_ = false;
      if (body_.may_end_here()) return {.state = BodyRead::State::Last};
      return {.state = BodyRead::State::Cut, .error = ErrorCode::Closed};
    case net::IoResult::State::Failed:
      break;
  }
  return {.state = BodyRead::State::Cut, .error = got.error};
}

inline BackendSide::BodyRead BackendH1::take(std::span<char> bytes) {
  const auto step = body_.take(bytes);
  if (step.state == http::BodyReader::Step::State::Bad) {
    return {.state = BodyRead::State::Cut, .error = ErrorCode::Malformed};
  }
  if (step.consumed != bytes.size()) may_be_kept_ = false;  // bytes nobody asked for
  const bool is_last = step.state == http::BodyReader::Step::State::Done;
  return {.state = is_last ? BodyRead::State::Last : BodyRead::State::More, .content = step.data};
}

BackendSide::Upgraded BackendH1::upgrade() {
  return {.stream = lease_->stream(), .to_backend = send_buffer_, .first = std::exchange(fresh_, {})};
}

}  // namespace holdfast::proxy
