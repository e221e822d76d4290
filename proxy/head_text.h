#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "http/head.h"

/// Small parts shared by those who write heads. Nothing here allocates once `out` has grown to its usual size.
namespace holdfast::proxy {

inline constexpr std::string_view kLineEnd = "\r\n";

/// What becomes of the client's connection after a response.
enum class After : std::uint8_t { KeepAlive, Close };

/// The protocol the client speaks to us.
enum class Scheme : std::uint8_t { Http, Https };

namespace detail {
template <std::size_t N>
constexpr std::size_t size_of(const char (&)[N]) {
  return N - 1;
}
inline std::size_t size_of(std::string_view text) { return text.size(); }

template <std::size_t N>
char* put(char* at, const char (&text)[N]) {
  std::memcpy(at, text, N - 1);
  return at + N - 1;
}
/// Of a text that is as long as one Word or two: its first and its last one, which may overlap.
template <class Word>
void put_ends(char* at, const char* from, std::size_t size) {
  Word first = 0;
  Word last = 0;
  std::memcpy(&first, from, sizeof(Word));
  std::memcpy(&last, from + size - sizeof(Word), sizeof(Word));
  std::memcpy(at, &first, sizeof(Word));
  std::memcpy(at + size - sizeof(Word), &last, sizeof(Word));
}
inline char* put(char* at, std::string_view text) {
  // Most pieces are short, and then a call costs more than the copying: two words that may overlap, or three bytes.
  const std::size_t size = text.size();
  const char* const from = text.data();
  if (size > 16) {
    std::memcpy(at, from, size);
  } else if (size >= 8) {
    put_ends<std::uint64_t>(at, from, size);
  } else if (size >= 4) {
    put_ends<std::uint32_t>(at, from, size);
  } else if (size > 0) {
    at[0] = from[0];
    at[size / 2] = from[size / 2];
    at[size - 1] = from[size - 1];
  }
  return at + size;
}
}  // namespace detail

/// Writes a head at the end of a string: gathers its dozens of pieces on the stack, as an append each costs several
/// times as much, and appends them together when it goes. Until then the string is the writer's.
class HeadWriter {
 public:
  explicit HeadWriter(std::string& out) : out_(out) { at_ = gathered_.data(); }
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;
  ~HeadWriter() { flush(); }

  /// Literals and views.
  template <class... Pieces>
  void add(const Pieces&... pieces) {
    const std::size_t bytes = (detail::size_of(pieces) + ...);
    if (bytes > kGathered - gathered()) [[unlikely]]
      return append(pieces...);
    char* at = at_;
    ((at = detail::put(at, pieces)), ...);
    at_ = at;
  }
  /// Of the string, as far as it is written.
  std::size_t size() const { return out_.size() + gathered(); }
  /// Takes back what was written since size() was `size`.
  void cut(std::size_t size) {
    if (size < out_.size()) {
      out_.resize(size);
      at_ = gathered_.data();
    } else {
      at_ = gathered_.data() + (size - out_.size());
    }
  }

 private:
  static constexpr std::size_t kGathered = 1024;  // bytes: most heads

  std::size_t gathered() const { return static_cast<std::size_t>(at_ - gathered_.data()); }
  void flush() {
    out_.append(gathered_.data(), gathered());
    at_ = gathered_.data();
  }
  template <class... Pieces>
  [[gnu::noinline]] void append(const Pieces&... pieces) {
    flush();
    (out_.append(pieces), ...);
  }

  std::string& out_;
  std::array<char, kGathered> gathered_;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  char* at_ = nullptr;
};

/// `number` in decimal, written to `digits`.
inline std::string_view decimal(std::uint64_t number, std::array<char, 20>& digits) {
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), static_cast<std::size_t>(written.ptr - digits.data())};
}

inline void append_decimal(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  out.append(decimal(number, digits));
}

/// `label` is "Name: ".
inline void append_line(std::string& out, std::string_view label, std::string_view value) {
  out.append(label).append(value).append(kLineEnd);
}

inline void append_content_length(std::string& out, std::uint64_t bytes) {
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  append_line(out, "Content-Length: ", decimal(bytes, digits));
}
inline void append_content_length(HeadWriter& out, std::uint64_t bytes) {
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  out.add("Content-Length: ", decimal(bytes, digits), "\r\n");
}

constexpr std::uint64_t bit(http::FieldId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }

/// Copies field lines as they were received, neighbours at once.
///
/// Relies on what http/head.h says of a head: its views lie in the bytes it was parsed from, so a name is followed by
/// its colon, white space and value.
class LineRun {
 public:
  explicit LineRun(HeadWriter& out) : out_(out) {}
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

  /// Writes what is held back. To be called before anything else is written.
  void flush() {
    if (begin_ == nullptr) return;
    out_.add(std::string_view(begin_, static_cast<std::size_t>(end_ - begin_)), "\r\n");
    begin_ = nullptr;
  }

 private:
  HeadWriter& out_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace holdfast::proxy
