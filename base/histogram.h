#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "base/time.h"

namespace holdfast::base {

/// How often durations of each length came, from 62.5 us to over a minute, four steps to a doubling: a quantile read
/// from it is at most a quarter off. One thread adds, any thread reads; fixed size, no allocation, no lock.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 80;
  static constexpr Duration kUnit = std::chrono::nanoseconds{62'500};  ///< 1/16 ms: each doubling of 1 ms is a bound.
  using Counts = std::array<std::uint64_t, kBuckets>;

  void add(Duration length) {
    buckets_[bucket_of(length)].add();
    microseconds_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, length.count() / 1000)));
  }
  /// Adds what is here to `sum`: of several threads' histograms.
  void add_to(Counts& sum) const {
    for (std::size_t i = 0; i < kBuckets; ++i) sum[i] += buckets_[i].get();
  }
  std::uint64_t microseconds() const { return microseconds_.get(); }  ///< All lengths together.

  static constexpr std::size_t bucket_of(Duration length) {
    const std::uint64_t units = length.count() <= 0 ? 0 : static_cast<std::uint64_t>(length / kUnit);
    if (units < 4) return static_cast<std::size_t>(units);
    const auto doublings = static_cast<std::size_t>(std::bit_width(units)) - 3;
    const std::size_t step = static_cast<std::size_t>(units >> doublings) & 3;
    return std::min(4 + doublings * 4 + step, kBuckets - 1);
  }
  /// Everything in the bucket is shorter than this (but in the last one, which has no bound).
  static constexpr Duration bound_of(std::size_t bucket) {
    if (bucket < 4) return kUnit * static_cast<std::int64_t>(bucket + 1);
    const std::size_t doublings = (bucket - 4) / 4;
    const std::size_t step = (bucket - 4) % 4;
    return kUnit * (static_cast<std::int64_t>(4 + step + 1) << doublings);
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter microseconds_;
};

inline std::uint64_t count_of(const Histogram::Counts& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

/// The length that `percent` of all do not exceed, as a straight line through its bucket says; 0 where there is none.
Duration quantile(const Histogram::Counts& counts, unsigned percent);

}  // namespace holdfast::base
