#include "proxy/upload.h"

#include <algorithm>

namespace holdfast::proxy {

void Upload::start(const http::RequestHead& head, const RequestPiece& first) {
  is_chunked_ = head.framing.kind == http::Framing::Kind::Chunked;
  announced_ = is_chunked_ ? Fingerprint::kChunked : head.framing.length;
  awaits_continue_ = head.expects_continue;
  is_whole_ = first.state == RequestPiece::State::Last;
  is_broken_ = false;
  bytes_max_ = 0;
  content_bytes_ = first.content.size();
  fresh_ = first.content;
  fingerprint_ = {};
  fingerprint_.add(fresh_);
}

bool Upload::is_too_long() const {
  const std::uint64_t known = is_chunked_ ? content_bytes_ : std::max(announced_, content_bytes_);
  return bytes_max_ != 0 && known > bytes_max_;
}

void Upload::keep_first() {
  if (!fresh_.empty()) {
    context_.buffers.lend(held_);
    held_.append(fresh_.data(), fresh_.size());
  }
  fresh_ = {};
}

SendBuffer::Outcome Upload::send_first(BackendSide& backend, const OwnedHead& head, ClientSide& client) {
  const std::span<const char> body = held_.empty() ? std::span<const char>(fresh_) : std::span<const char>(held_);
  Content first{.bytes = body, .is_last = is_whole_};
  if (is_whole_ && is_chunked_) first.trailers = client.trailers();
  const auto wrote = backend.send_head(head, first);
  if (wrote.state == SendBuffer::State::Failed) return wrote;
  // From here on the body is on its way: what was held is no longer the whole of it.
  release();
  fresh_ = {};
  return wrote;
}

Upload::Progress Upload::pump(ClientSide& client, BackendSide& backend) {
  Progress progress;
  for (int i = 0; !is_whole_ && !backend.is_blocked(); ++i) {
    if (i == kReadsPerTurn) {
      progress.outcome = Outcome::Turn;
      return progress;
    }
    const RequestPiece piece = client.read_body();
    if (piece.state == RequestPiece::State::Blocked) return progress;
    progress.outcome = pass_on(piece, client, backend);
    if (progress.outcome != Outcome::Waits && progress.outcome != Outcome::Sent) return progress;
    progress.has_moved = progress.has_moved || !is_broken_;
  }
  return progress;
}

Upload::Outcome Upload::pass_on(const RequestPiece& piece, ClientSide& client, BackendSide& backend) {
  if (piece.state == RequestPiece::State::Gone) return Outcome::ClientGone;
  awaits_continue_ = false;
  fingerprint_.add(piece.content);
  content_bytes_ += piece.content.size();
  is_whole_ = piece.state == RequestPiece::State::Last;
  if (bytes_max_ != 0 && content_bytes_ > bytes_max_) return Outcome::TooLong;
  if (piece.state == RequestPiece::State::Bad) return Outcome::Bad;
  if (is_broken_) return Outcome::Waits;  // nobody wants it any more
  Content content{.bytes = piece.content, .is_last = is_whole_};
  if (is_whole_ && is_chunked_) content.trailers = client.trailers();
  const auto wrote = backend.send_body(content);
  if (wrote.state == SendBuffer::State::Failed) {
    is_broken_ = true;
    backend.stop_sending();
    return Outcome::BackendBroken;
  }
  return is_whole_ && wrote.state == SendBuffer::State::Sent ? Outcome::Sent : Outcome::Waits;
}

}  // namespace holdfast::proxy
