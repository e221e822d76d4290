#pragma once

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
    const char* why = "";      ///< With Bad. Content before the fault is still given; take() stays Bad.
  };

  BodyReader() = default;
  /// `trailer_bytes_max` bounds the trailer section, `trailers_max` its fields.
  void start(const Framing& framing, std::size_t trailer_bytes_max = 8192, std::size_t trailers_max = 64);
  bool is_done() const { return done_; }

  /// Takes what it can of `input`: all of it unless the body ends inside. Where a chunk-size or trailer line is cut at
  /// the input's end, what matters of it is kept inside (bounded), so `consumed` is always input.size() for More.
  /// Cutting the same bytes in other places gives the same content, trailers and end.
  Step take(std::span<char> input);

  /// The connection ended: true where that is a proper end (framing UntilClose).
  bool may_end_here() const;

  /// After Done of a chunked body: the trailer section as complete "name: value\r\n" lines without the last empty line;
  /// fields that may not be in trailers (framing, routing, hop-by-hop; RFC 9110 section 6.5.1) are left out.
  std::string_view trailers() const { return std::string_view(trailers_).substr(0, line_start_); }

  /// Bytes of content so far.
  std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  /// Where in the chunked coding (RFC 9112 section 7.1) the next byte belongs.
  enum class At : std::uint8_t {
    Size,       ///< A hex digit, or what ends the size.
    Extension,  ///< In a chunk extension; see extension_.
    SizeLf,     ///< The LF that ends the size line.
    Data,
    DataCr,
    DataLf,
    TrailerLine,
    End,
  };
  /// Within an extension: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ).
  enum class Extension : std::uint8_t {
    Gap,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Token,
    Quoted,
    Escaped,
    AfterQuoted
  };

  Step take_plain(std::span<char> input);
  Step take_chunked(std::span<char> input);
  /// One byte of framing; what is wrong with it, or nullptr.
  const char* framing_byte(char c);
  const char* size_byte(char c);
  const char* extension_byte(char c);
  const char* end_of_size();
  const char* trailer_byte(char c);
  const char* end_of_trailer_line();

  Framing framing_;
  bool done_ = true;
  const char* why_bad_ = nullptr;
  std::uint64_t content_bytes_ = 0;
  std::uint64_t left_ = 0;  ///< Of a Length body, or of the chunk.

  At at_ = At::Size;
  Extension extension_ = Extension::Gap;
  std::uint8_t size_digits_ = 0;
  std::uint32_t extension_bytes_ = 0;  ///< Over the whole body: they carry nothing, so they may not cost much.

  std::size_t trailer_bytes_max_ = 0;
  std::size_t trailers_max_ = 0;
  std::size_t trailer_bytes_ = 0;  ///< Received, also of those left out.
  std::size_t trailer_lines_ = 0;
  std::size_t line_start_ = 0;  ///< In trailers_: the line under way, raw until it is whole.
  std::string trailers_;
};

/// "1f4\r\n" before a chunk of `size` bytes (size > 0). Returns the text inside `into`.
std::string_view chunk_head(std::size_t size, std::span<char, 20> into);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n";  ///< Then trailers, then kChunkEnd.

}  // namespace holdfast::http
