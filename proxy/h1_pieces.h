#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/body.h"
#include "proxy/send_buffer.h"

namespace holdfast::proxy {

/// The pieces of one write of an HTTP/1 message: a head, some content in its framing, the end. Borrows what it is
/// given; lives for one write.
class H1Pieces {
 public:
  enum class Framing : std::uint8_t { Plain, Chunked };

  explicit H1Pieces(Framing framing) : is_chunked_(framing == Framing::Chunked) {}
  H1Pieces(const H1Pieces&) = delete;
  H1Pieces& operator=(const H1Pieces&) = delete;

  void head(std::string_view text) { add(text); }
  void content(std::span<const char> data) {
    if (data.empty()) return;
    if (is_chunked_) add(http::chunk_head(data.size(), size_));
    add({data.data(), data.size()});
    if (is_chunked_) add(http::kChunkEnd);
  }
  /// `trailers`: complete lines (RFC 9112 section 7.1.2). Other framings than chunked need no end.
  void end(std::string_view trailers) {
    if (!is_chunked_) return;
    add(http::kLastChunk);
    if (!trailers.empty()) add(trailers);
    add(http::kChunkEnd);
  }
  std::span<const iovec> all() const { return std::span(pieces_).first(count_); }

 private:
  void add(std::string_view text) { pieces_[count_++] = piece(text); }

  bool is_chunked_;
  std::size_t count_ = 0;
  std::array<char, 20> size_;    // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  std::array<iovec, 7> pieces_;  // NOLINT(cppcoreguidelines-pro-type-member-init)
};

}  // namespace holdfast::proxy
