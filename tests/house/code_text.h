#pragma once

#include <string>
#include <string_view>

namespace holdfast::house {

/// `text` of C++ without comments and literals: they are blanks. Line ends stay.
std::string code_only(std::string_view text);

}  // namespace holdfast::house
