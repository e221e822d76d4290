#pragma once

#include <cstdint>

#include "base/time.h"

namespace holdfast::server {

/// Where the process is in its life.
enum class Phase : std::uint8_t {
  Starting,
  Serving,
  Leaving,  ///< A new process serves; we finish what is under way.
  Draining,
  Stopping
};

/// When the process started, by both clocks.
struct StartTime {
  base::Instant at{};
  base::WallTime wall = base::wall_now();
};

}  // namespace holdfast::server
