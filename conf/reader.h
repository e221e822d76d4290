#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/settings.h"

namespace holdfast::conf {

/// One mistake in the file. Lines and columns count from 1.
struct Mistake {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string what;  ///< What was found, what is expected, and the nearest known key where there is one.
};

/// "file:line:column: what" for each, one a line.
std::string mistakes_text(std::string_view file, const std::vector<Mistake>& mistakes);

/// Reads a whole configuration. Pure: no file is opened, no name resolved. All mistakes at once, in the file's order.
std::variant<Settings, std::vector<Mistake>> read_settings(std::string_view toml);

/// The effective configuration as TOML that read_settings accepts and turns into the same Settings (`holdfast -T`).
/// Secrets are shown as "[redacted]".
std::string dump_settings(const Settings& settings);

}  // namespace holdfast::conf
