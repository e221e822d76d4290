#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/settings.h"

namespace holdfast::conf {

/// Reads a whole configuration. Pure: no file is opened, no name resolved. All diagnostics at once, in the file's
/// order.
std::variant<Settings, std::vector<Diagnostic>> read_settings(std::string_view toml);

/// The effective configuration as TOML that read_settings accepts and turns into the same Settings (`holdfast -T`).
/// Secrets are shown as "[redacted]".
std::string dump_settings(const Settings& settings);

}  // namespace holdfast::conf
