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

/// What becomes of the client's connection after an answer.
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
inline char* put(char* at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }
}  // namespace detail

/// Appends literals and views, gathered first where they are short: an append each costs several times as much, and a
/// head has dozens of them. Literals are copied without a call.
template <class... Pieces>
void append_all(std::string& out, const Pieces&... pieces) {
  constexpr std::size_t kGatheredMax = 512;
  if ((detail::size_of(pieces) + ...) > kGatheredMax) return static_cast<void>((out.append(pieces), ...));
  std::array<char, kGatheredMax> gathered;  // NOLINT(cppcoreguidelines-pro-type-member-init): what is appended is set
  char* at = gathered.data();
  ((at = detail::put(at, pieces)), ...);
  out.append(gathered.data(), static_cast<std::size_t>(at - gathered.data()));  // two iterators would cost far more
}

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
  append_all(out, label, value, "\r\n");
}

inline void append_content_length(std::string& out, std::uint64_t bytes) {
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  append_all(out, "Content-Length: ", decimal(bytes, digits), "\r\n");
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
    append_all(out_, std::string_view(begin_, static_cast<std::size_t>(end_ - begin_)), "\r\n");
    begin_ = nullptr;
  }

 private:
  std::string& out_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace holdfast::proxy
