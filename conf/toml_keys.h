#pragma once

#include <optional>
#include <string_view>

#include "conf/toml_tree.h"

namespace holdfast::conf {

/// Where a dotted key ("a.b.c") gets more than `segments_max` parts, before a parser has to build so deep a tree.
///
/// toml++ 3.3 builds and destroys tables recursively and sets no bound to the parts of a key: a long enough line would
/// end the process. Strings and comments are skipped; on text that is not TOML the answer may be anything.
std::optional<Place> find_overlong_key(std::string_view text, std::size_t segments_max);

}  // namespace holdfast::conf
