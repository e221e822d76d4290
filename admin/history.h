#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "admin/view.h"

namespace holdfast::admin {

/// The curves of the page: requests, errors, sessions, p95 of each pool and backend over the last ten minutes, so that
/// a page that is opened does not begin empty. Bounded by the number of backends. Lives on the control loop.
class History {
 public:
  static constexpr base::Duration kStep = std::chrono::seconds{5};
  static constexpr std::size_t kSteps = 120;

  /// Once each kStep.
  void note(const StatusView& view);
  /// The body of GET /api/v1/history: for each pool and backend, oldest first.
  std::string json() const;

 private:
  struct Point {
    float requests_per_s = 0;
    float errors_per_s = 0;
    float sessions = 0;
    float p95_ms = 0;  // below 0: nothing to measure
  };
  struct Curve {
    std::string pool;
    std::string backend;  // empty: of the whole pool
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    bool is_known = false;
    std::array<Point, kSteps> points{};
  };
  struct Sample {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::uint64_t sessions = 0;
    const LatencyView* latency = nullptr;
  };
  void add(std::size_t at, const std::string& pool, const std::string& backend, const Sample& sample);

  std::vector<Curve> curves_;  // pools and their backends, in the view's order
  std::size_t noted_ = 0;
  base::WallTime last_{};
};

}  // namespace holdfast::admin
