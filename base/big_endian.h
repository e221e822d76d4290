#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

/// Numbers as bytes, the highest first. One instruction each: compilers do not see through a loop of shifts.
namespace holdfast::base {

inline std::uint64_t big_endian(std::uint64_t number) {
  if constexpr (std::endian::native == std::endian::little) number = __builtin_bswap64(number);
  return number;
}

/// From 8 bytes at `bytes`.
inline std::uint64_t load_big_endian(const std::uint8_t* bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return big_endian(number);
}

/// To 8 bytes at `bytes`.
inline void store_big_endian(std::uint8_t* bytes, std::uint64_t number) {
  number = big_endian(number);
  std::memcpy(bytes, &number, sizeof number);
}

}  // namespace holdfast::base
