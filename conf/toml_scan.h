#pragma once

#include <optional>
#include <string_view>

#include "conf/toml_tree.h"

namespace holdfast::conf {

/// The first thing in the text that must not reach toml++ 3.3, and the mistake that it is:
/// - a key of more than `segments_max` parts: tables are built and destroyed recursively, without any bound;
/// - a character that is not ASCII outside strings and comments, where TOML allows none: what looks for white space
///   there is undefined for U+00A1 to U+0499;
/// - the same first thing after a `\` in a multi-line string, though TOML allows it behind the end of a line.
///
/// On text that is not TOML the answer may be anything. Columns count code points.
std::optional<Mistake> find_trouble(std::string_view text, std::size_t segments_max);

}  // namespace holdfast::conf
