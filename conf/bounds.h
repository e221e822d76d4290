#pragma once

#include <cstdint>

/// The greatest values of keys that code elsewhere has room for.
namespace holdfast::conf {

inline constexpr std::uint32_t kRetryAttemptsMax = 8;  ///< [pools.NAME.retry] attempts.

}  // namespace holdfast::conf
