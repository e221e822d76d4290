#pragma once

#include <string_view>

namespace holdfast::base {

/// Stops the process with `what` on stderr: a programmer's error, never something a peer, a user or a disk can cause.
[[noreturn]] void check_failed(std::string_view what, std::string_view file, int line);

/// Stops the process unless `ok`; `what` says what must hold.
inline void check(bool ok, std::string_view what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!ok) [[unlikely]]
    check_failed(what, file, line);
}

}  // namespace holdfast::base
