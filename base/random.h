#pragma once

#include <cstdint>

namespace holdfast::base {

/// A small, fast generator for balancing and jitter (splitmix64: Steele, Lea, Flood 2014). Not for secrets.
/// Deciders take one by reference, so that a test's seed repeats a run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    return mix(state_);
  }
  /// Uniform in [0, bound); 0 when bound is 0. (Lemire's multiply-shift; the bias at bounds below 2^32 is under 2^-32.)
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// The finaliser alone: a good 64-bit mixing function.
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

 private:
  __extension__ using Wide = unsigned __int128;  // no ISO type, hence the word before it

  std::uint64_t state_;
};

}  // namespace holdfast::base
