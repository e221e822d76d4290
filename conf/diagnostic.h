#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::conf {

/// One diagnostic about the file. Lines and columns count from 1.
struct Diagnostic {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string what;  ///< What was found, what is expected, and the nearest known key where there is one.
};

/// "file:line:column: what" for each, one a line.
std::string diagnostics_text(std::string_view file, const std::vector<Diagnostic>& diagnostics);

}  // namespace holdfast::conf
