#pragma once

#include <sys/uio.h>

#include <span>
#include <string>

#include "base/buffers.h"
#include "net/stream.h"

namespace holdfast::proxy {

inline iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

/// What one stream could not take yet. Writes go straight to the stream; only the rest of a blocked write is kept, in a
/// recycled buffer, and whoever feeds it stops reading until it is empty: that bounds it to one read and one head.
class SendBuffer {
 public:
  enum class State : std::uint8_t { Sent, Pending, Failed };
  struct Outcome {
    State state = State::Sent;
    std::size_t bytes = 0;  ///< What the kernel took now.
    base::ErrorCode error = base::ErrorCode::Io;
  };

  explicit SendBuffer(base::Buffers& buffers) : buffers_(buffers) {}
  SendBuffer(const SendBuffer&) = delete;
  SendBuffer& operator=(const SendBuffer&) = delete;
  ~SendBuffer() { clear(); }

  /// Sends `pieces` after what is pending. Last: once it is all sent, the stream ends in this turn of the loop.
  enum class Then : std::uint8_t { More, Last };
  Outcome write(net::Stream& stream, std::span<const iovec> pieces, Then then = Then::More);
  /// Sends what is pending; call on on_writable.
  Outcome flush(net::Stream& stream);
  bool is_empty() const { return sent_ == pending_.size(); }
  void clear() {
    buffers_.take_back(pending_);
    sent_ = 0;
  }

 private:
  void keep(std::span<const iovec> pieces, std::size_t skip);

  base::Buffers& buffers_;
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
};

}  // namespace holdfast::proxy
