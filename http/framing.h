#pragma once

#include <cstdint>
#include <string_view>

#include "http/fault.h"
#include "http/head.h"

namespace holdfast::http {

/// What the fields of a head say about where its body ends, gathered line by line (RFC 9112 section 6).
/// Nothing is repaired or chosen: two statements, even equal ones, are a fault.
class FramingFields {
 public:
  /// Notes a field whose id is ContentLength or TransferEncoding.
  Fault note(const Field& field);
  /// After the last field. `minor` is the HTTP version's.
  Fault finish(std::uint8_t minor) const;

  bool is_chunked() const { return coding_ == Coding::Chunked; }
  bool has_coding() const { return coding_ != Coding::None; }
  bool has_length() const { return has_length_; }
  std::uint64_t length() const { return length_; }

 private:
  enum class Coding : std::uint8_t { None, Chunked, Unknown };

  Fault note_length(std::string_view value);
  Fault note_codings(std::string_view value);

  Coding coding_ = Coding::None;
  bool has_length_ = false;
  std::uint64_t length_ = 0;
};

}  // namespace holdfast::http
