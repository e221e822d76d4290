#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"

/// Small parts shared by those who write heads. Nothing here allocates once `out` has grown to its usual size.
namespace holdfast::proxy {

inline constexpr std::string_view kLineEnd = "\r\n";

/// What becomes of the client's connection after an answer.
enum class After : std::uint8_t { KeepAlive, Close };

/// The protocol the client speaks to us.
enum class Scheme : std::uint8_t { Http, Https };

inline void append_decimal(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), written.ptr);
}

/// `label` is "Name: ".
inline void append_line(std::string& out, std::string_view label, std::string_view value) {
  out.append(label).append(value).append(kLineEnd);
}

inline void append_content_length(std::string& out, std::uint64_t bytes) {
  out.append("Content-Length: ");
  append_decimal(out, bytes);
  out.append(kLineEnd);
}

constexpr std::uint64_t bit(http::FieldId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }

/// Copies field lines as they were received, neighbours with one append.
///
/// Relies on what http/head.h says of a head: its views lie in the bytes it was parsed from, so a name is followed by
/// its colon, white space and value.
class LineRun {
 public:
  explicit LineRun(std::string& out) : out_(out) {}
  LineRun(const LineRun&) = delete;
  LineRun& operator=(const LineRun&) = delete;
  ~LineRun() { flush(); }

  void keep(const http::Field& field) {
    if (begin_ == nullptr || field.name.data() != end_ + kLineEnd.size()) {
      flush();
      begin_ = field.name.data();
    }
    end_ = field.value.empty() ? field.name.data() + field.name.size() + 1 : field.value.data() + field.value.size();
  }

  /// Writes what is held back. To be called before anything else is appended to the same string.
  void flush() {
    if (begin_ == nullptr) return;
    out_.append(begin_, end_).append(kLineEnd);
    begin_ = nullptr;
  }

 private:
  std::string& out_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace holdfast::proxy
