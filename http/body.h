#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/head.h"

namespace holdfast::http {

/// Follows one message body to its end, whatever its framing. One per direction of an exchange; no allocation but for
/// trailers.
class BodyReader {
 public:
  struct Step {
    enum class State : std::uint8_t { More, Done, Bad };
    State state = State::More;
    std::size_t consumed = 0;  ///< Bytes of the input that belong to this body; what follows is the next message's.
    std::span<char> data;      ///< Content, inside the input. Chunked framing is taken off in place, so the input is
                               ///< overwritten up to `consumed`.
    const char* why = "";      ///< With Bad.
  };

  BodyReader() = default;
  /// `trailer_bytes_max` bounds the trailer section, `trailers_max` its fields.
  void start(const Framing& framing, std::size_t trailer_bytes_max = 8192, std::size_t trailers_max = 64);
  bool is_done() const { return done_; }

  /// Takes what it can of `input`. All of it is consumed unless the body ends inside or a chunk-size or trailer line is
  /// cut at its end: then the tail is kept inside (bounded), so `consumed` is always input.size() for More.
  Step take(std::span<char> input);

  /// The connection ended: true where that is a proper end (framing UntilClose).
  bool may_end_here() const;

  /// After Done of a chunked body: the trailer section as complete "name: value\r\n" lines without the last empty line;
  /// fields that may not be in trailers (framing, routing, hop-by-hop; RFC 9110 section 6.5.1) are left out.
  std::string_view trailers() const { return trailers_; }

  /// Bytes of content so far.
  std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  Framing framing_;
  bool done_ = true;
  std::uint64_t content_bytes_ = 0;
  std::string trailers_;
};

/// "1f4\r\n" before a chunk of `size` bytes (size > 0). Returns the text inside `into`.
std::string_view chunk_head(std::size_t size, std::span<char, 20> into);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n";  ///< Then trailers, then kChunkEnd.

}  // namespace holdfast::http
