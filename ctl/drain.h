#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "ctl/client.h"

namespace holdfast::ctl {

/// Takes a line for people, with its newline, while a command is under way.
using PrintLine = std::function<void(std::string_view)>;

/// How far a drain is.
struct DrainProgress {
  std::string order;           ///< ready, drain, maint: what operators want of the backend now.
  std::uint64_t sessions = 0;  ///< Bound there.
  bool is_over = false;        ///< Nothing is left, or nothing that would still leave.
  std::string numbers;         ///< "12 sessions left (3 active, 9 idle), 4 requests under way"
  std::string outlook;         ///< What is to be expected, or empty: ", the idle ones are forgotten in 14m".
};
/// From a response to /api/v1/status. Errors: Malformed, when that does not know `target` (POOL/BACKEND).
base::Result<DrainProgress> drain_progress(std::string_view status, std::string_view target);

/// Asks again and again until nothing is left of the backend `target`, and says what has changed. A proxy that is away
/// for a moment (a restart) is waited for. `meanwhile`, if given, is called again and again; its error ends the wait.
/// Errors: those of http_get; Unavailable: the backend is not drained any more, or sessions are left that stay.
base::Result<void> wait_until_drained(const AdminUrl& where, std::string_view target, base::Duration patience,
                                      const PrintLine& print_line,
                                      const std::function<base::Result<void>()>& meanwhile = {});

/// "40s", "14m", "3h".
std::string about(std::int64_t seconds);

/// "1 session", "4 sessions".
std::string counted(std::uint64_t count, std::string_view what);

}  // namespace holdfast::ctl
