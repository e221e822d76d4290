#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "proxy/backend_side.h"
#include "proxy/client_side.h"
#include "proxy/context.h"
#include "proxy/quarantine.h"

namespace holdfast::proxy {

/// A request's body on its way from the client to the backend: holds what came before there was a connection, pauses
/// the faster side, and knows whether it could be sent once more. A value inside its exchange.
class Upload {
 public:
  /// What came of moving bytes.
  enum class Outcome : std::uint8_t {
    Waits,          ///< One of the sides has to move first, or nothing is left to do.
    Sent,           ///< The whole request was taken by the system.
    Turn,           ///< Go on in the next turn of the loop, for the sake of the others.
    ClientGone,     ///< In the middle of its request.
    Bad,            ///< The framing is broken.
    TooLong,        ///< Longer than the limit.
    BackendBroken,  ///< The backend takes no more. It may have responded already.
  };
  struct Progress {
    Outcome outcome = Outcome::Waits;
    bool has_moved = false;  ///< Some bytes were passed on.
  };

  explicit Upload(Context& context) : context_(context) {}

  /// A new request, of which `first` came together with its head.
  void start(const http::RequestHead& head, const RequestPiece& first);
  /// In bytes; 0: none.
  void set_limit(std::uint64_t bytes_max) { bytes_max_ = bytes_max; }
  /// The scratch buffer is about to be used by others: keeps what came with the head.
  void keep_first();
  /// The request is over, or what was held has been sent.
  void release() { context_.buffers.take_back(held_); }

  /// Head and what has come of the body, in one write.
  SendBuffer::Outcome send_first(BackendSide& backend, const OwnedHead& head, ClientSide& client);
  /// Moves what can be moved.
  Progress pump(ClientSide& client, BackendSide& backend);

  /// Nobody takes the rest of it any more.
  void abandon() { is_broken_ = true; }
  /// The same request goes to another backend.
  void retry() { is_broken_ = false; }
  bool is_abandoned() const { return is_broken_; }
  /// The client has sent all of it.
  bool is_whole() const { return is_whole_; }
  bool is_chunked() const { return is_chunked_; }
  bool is_too_long() const;
  /// Every byte that came is still held.
  bool is_replayable() const { return content_bytes_ == held_.size() + fresh_.size(); }
  /// The client sends its body only when it is told to.
  bool awaits_continue() const { return awaits_continue_; }
  void note_interim() { awaits_continue_ = false; }
  /// As announced, or Fingerprint::kChunked.
  std::uint64_t announced() const { return announced_; }
  const BodyFingerprint& fingerprint() const { return fingerprint_; }

 private:
  Outcome pass_on(const RequestPiece& piece, ClientSide& client, BackendSide& backend);

  Context& context_;
  std::string held_;       // content read before there was a connection to send it to
  std::span<char> fresh_;  // the same, still in the scratch buffer: during the exchange's start() only
  std::uint64_t bytes_max_ = 0;
  std::uint64_t announced_ = 0;
  std::uint64_t content_bytes_ = 0;
  BodyFingerprint fingerprint_;
  bool is_whole_ = false;
  bool is_chunked_ = false;
  bool is_broken_ = false;
  bool awaits_continue_ = false;
};

}  // namespace holdfast::proxy
