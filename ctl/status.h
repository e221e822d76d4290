#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::ctl {

enum class Colours : std::uint8_t { Off, On };

/// GET /api/v1/status as words and a table for a terminal: the verdict line first, then a row for each backend.
/// Control characters in what the proxy says never reach the terminal. Errors: Malformed when `json` is not a status.
base::Result<std::string> status_table(std::string_view json, Colours colours);

/// The same bytes laid out for reading. Errors: Malformed when `json` is not JSON.
base::Result<std::string> pretty_json(std::string_view json);

}  // namespace holdfast::ctl
