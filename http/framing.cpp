#include "http/framing.h"

#include <limits>

#include "base/text.h"
#include "http/list.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {
constexpr std::uint64_t kLengthMax = std::numeric_limits<std::int64_t>::max();
}  // namespace

Fault FramingFields::note(const Field& field) {
  const Fault fault = field.id == FieldId::ContentLength ? note_length(field.value) : note_codings(field.value);
  if (fault) return fault;
  if (has_length_ && coding_ != Coding::None) return {400, "both Content-Length and Transfer-Encoding"};
  return {};
}

Fault FramingFields::note_length(std::string_view value) {
  if (has_length_) return {400, "more than one Content-Length"};
  const auto length = base::parse_decimal(value);
  if (!length) return {400, "Content-Length is not a number"};
  if (*length > kLengthMax) return {400, "Content-Length out of range"};
  has_length_ = true;
  length_ = *length;
  return {};
}

Fault FramingFields::note_codings(std::string_view value) {
  ListWalk codings(value);
  std::string_view coding;
  while (codings.next(coding)) {
    if (coding_ == Coding::Chunked) return {400, "a transfer coding after chunked"};
    // Parameters would make it no token: chunked has none (RFC 9112 section 7.1), and no other coding is known.
    if (!scan::is_token(coding)) return {400, "malformed Transfer-Encoding"};
    if (!base::iequals(coding, "chunked")) {
      coding_ = Coding::Unknown;
    } else if (coding_ == Coding::None) {
      coding_ = Coding::Chunked;
    }
  }
  return {};
}

Fault FramingFields::finish(std::uint8_t minor) const {
  if (coding_ != Coding::None && minor == 0) return {400, "Transfer-Encoding in HTTP/1.0"};
  if (coding_ == Coding::Unknown) return {501, "transfer coding other than chunked"};
  return {};
}

}  // namespace holdfast::http
