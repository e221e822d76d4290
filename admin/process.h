#pragma once

#include <cstdint>

namespace holdfast::admin {

/// What the system says of this process, for the metrics. A value that could not be read is 0.
struct ProcessFacts {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t descriptors_max = 0;
  double cpu_seconds = 0;
  double start_time = 0;  ///< Seconds since 1970.
};

/// Reads /proc. Blocking, but memory only.
ProcessFacts read_process_facts();

}  // namespace holdfast::admin
