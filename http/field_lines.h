#pragma once

#include <cstdint>

#include "http/head.h"

namespace holdfast::http {

/// Reads "name: value CRLF" lines up to the empty line (RFC 9112 section 5), in place and strictly: no white space
/// before the colon, no folded lines, no lone CR or LF, no control characters, names are tokens. Heads and trailers are
/// both read by this. It does not know what a field means, but for its id.
class FieldLines {
 public:
  enum class Outcome : std::uint8_t { Field, End, Incomplete, Bad };

  FieldLines(const char* begin, const char* end) : at_(begin), end_(end) {}

  /// Field: `out` is filled. End: the empty line is behind us. Incomplete: the line at position() is not whole; nothing
  /// wrong in what is there of it. Bad: see why().
  Outcome next(Field& out);
  const char* position() const { return at_; }
  const char* why() const { return why_; }

 private:
  Outcome bad(const char* why);

  const char* at_;
  const char* end_;
  const char* why_ = "";
};

/// What stops a line's end from being CRLF, in words. `at` is before `end`.
const char* line_fault(const char* at);

}  // namespace holdfast::http
