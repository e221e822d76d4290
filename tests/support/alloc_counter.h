#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::support {

/// What the LD_PRELOAD library alloc_counter.cpp writes into the file HOLDFAST_ALLOC_COUNT names. Zero bytes are a
/// valid start.
struct AllocCount {
  std::atomic<std::uint64_t> calls = 0;  ///< malloc, calloc, realloc and kin; operator new counts once.
  std::atomic<std::uint64_t> bytes = 0;  ///< Asked for.
};

}  // namespace holdfast::support
