#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/random.h"

namespace holdfast::proxy {

/// The eight hex digits of a number as the bytes of one, its own lowest digit in the lowest byte: all at once, as a
/// request has 32 or 80 of them.
constexpr std::uint64_t hex_bytes(std::uint32_t number) {
  // One digit to a byte: halve the groups of bits until each holds one.
  std::uint64_t x = number;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  // Bit 4 of a byte plus 6 says whether the digit is a letter, which stand 39 further than the digits.
  const std::uint64_t letters = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
  return x + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

/// Digits of one random number, as hex. Good for names, not for secrets.
inline void write_hex(std::uint64_t number, char* sixteen) {
  for (const unsigned shift : {32U, 0U}) {
    std::uint64_t digits = hex_bytes(static_cast<std::uint32_t>(number >> shift));
    if constexpr (std::endian::native == std::endian::little) digits = __builtin_bswap64(digits);
    std::memcpy(sixteen, &digits, sizeof digits);
    sixteen += sizeof digits;
  }
}

/// The names a request gets when it brings none: made of the worker's own generator, without a system call or an
/// allocation. Values; the views into them are good while they live.
class TraceNames {
 public:
  /// 32 hex digits.
  std::string_view request_id(base::Random& random) {
    write_hex(random.next(), request_id_.data());
    write_hex(random.next(), request_id_.data() + 16);
    return {request_id_.data(), request_id_.size()};
  }
  /// W3C Trace Context, level 1: "00-TRACE-SPAN-01"; ids that are all zero are not valid.
  std::string_view traceparent(base::Random& random) {
    constexpr std::string_view kForm = "00-00000000000000000000000000000000-0000000000000000-01";
    static_assert(kForm.size() == kTraceparent);
    kForm.copy(traceparent_.data(), kForm.size());
    write_hex(random.next() | 1, traceparent_.data() + 3);
    write_hex(random.next(), traceparent_.data() + 19);
    write_hex(random.next() | 1, traceparent_.data() + 36);
    return {traceparent_.data(), traceparent_.size()};
  }

 private:
  static constexpr std::size_t kTraceparent = 55;

  std::array<char, 32> request_id_;  // both are written before anybody reads them
  std::array<char, kTraceparent> traceparent_;
};

/// May a request keep the id that a trusted proxy gave it? Bounded, and plain enough for every log.
constexpr std::size_t kRequestIdMax = 128;
constexpr bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

}  // namespace holdfast::proxy
