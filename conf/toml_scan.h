#pragma once

#include <optional>
#include <string_view>

#include "conf/diagnostic.h"

namespace holdfast::conf {

/// The first key of more than `segments_max` parts, and the error that it is: toml++ 3.3 builds and destroys tables
/// recursively, without any bound.
///
/// On text that is not TOML the response may be anything. Columns count code points.
std::optional<Diagnostic> find_trouble(std::string_view text, std::size_t segments_max);

}  // namespace holdfast::conf
