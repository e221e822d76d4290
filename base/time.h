#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::base {

/// Monotonic time: for deadlines, ages, verdicts. Never compared across machines.
using Instant = std::chrono::steady_clock::time_point;
/// A length of time. Configuration and deciders use this type, never an int.
using Duration = std::chrono::nanoseconds;
/// Time of day (UTC): for people, cookies and logs only; it may jump.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }
inline std::int64_t count_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace holdfast::base
