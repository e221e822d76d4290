#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace holdfast::base {

/// An array that grows and whose elements never move: threads go on using what they know while one adds more.
///
/// grow() belongs to one thread; elements may be used by any that has been told of the size since (their own
/// synchronisation is T's business), or has looked with find().
template <class T>
class SteadyArray {
 public:
  SteadyArray() = default;
  explicit SteadyArray(std::size_t size) { grow(size); }
  SteadyArray(const SteadyArray&) = delete;
  SteadyArray& operator=(const SteadyArray&) = delete;
  ~SteadyArray() = default;

  /// To at least `size` elements, the new ones as T makes them.
  void grow(std::size_t size) {
    while (capacity_ < size) {
      check(chunks_ < kChunks, "a steady array has room for all there can be");
      owned_[chunks_] = std::make_unique<T[]>(kFirst << chunks_);
      begin_[chunks_].store(owned_[chunks_].get(), std::memory_order_release);
      capacity_ += kFirst << chunks_++;
    }
  }

  T& operator[](std::size_t at) { return *found(at); }
  const T& operator[](std::size_t at) const { return *found(at); }
  /// nullptr: not there yet.
  const T* find(std::size_t at) const { return begin_of(chunk_of(at)) == nullptr ? nullptr : found(at); }

 private:
  // Chunk k holds kFirst * 2^k elements.
  static constexpr std::size_t kFirst = 16;
  static constexpr std::size_t kChunks = 20;  // some 16 million elements

  static constexpr std::size_t chunk_of(std::size_t at) {
    return static_cast<std::size_t>(std::bit_width((at / kFirst + 1) >> 1));
  }
  T* begin_of(std::size_t chunk) const { return begin_[chunk].load(std::memory_order_acquire); }
  T* found(std::size_t at) const {
    const std::size_t chunk = chunk_of(at);
    return begin_of(chunk) + (at - kFirst * ((std::size_t{1} << chunk) - 1));
  }

  std::array<std::atomic<T*>, kChunks> begin_{};
  std::array<std::unique_ptr<T[]>, kChunks> owned_;
  std::size_t chunks_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace holdfast::base
