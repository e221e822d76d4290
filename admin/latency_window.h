#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/histogram.h"

namespace holdfast::admin {

/// The last minute of a histogram that only grows: what it held every ten seconds is remembered. Pure.
class LatencyWindow {
 public:
  static constexpr base::Duration kStep = std::chrono::seconds{10};
  static constexpr std::size_t kSteps = 6;

  /// Once each kStep, with what the histogram holds then.
  void note(const base::Histogram::Counts& counts) {
    auto& oldest = past_[noted_++ % kSteps];
    for (std::size_t i = 0; i < counts.size(); ++i) oldest[i] = static_cast<std::uint32_t>(counts[i]);
  }
  /// What came within the last 50 to 60 seconds. 32 bits are enough for a difference, whatever the sums are.
  base::Histogram::Counts recent(const base::Histogram::Counts& counts) const {
    const auto& oldest = past_[noted_ % kSteps];
    base::Histogram::Counts out{};
    for (std::size_t i = 0; i < counts.size(); ++i) out[i] = static_cast<std::uint32_t>(counts[i]) - oldest[i];
    return out;
  }

 private:
  // Zeroes at first: all there is is recent.
  std::array<std::array<std::uint32_t, base::Histogram::kBuckets>, kSteps> past_{};
  std::size_t noted_ = 0;
};

}  // namespace holdfast::admin
