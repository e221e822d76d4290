#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace holdfast::http {

/// Does what came after `searched` bytes complete a line? If not, parsing again would find nothing new. So a head that
/// comes byte by byte is parsed once a line, of which there are at most HeadLimits::fields_max.
inline bool has_new_line(std::string_view input, std::size_t searched) {
  return searched == 0 || input.find('\n', std::min(searched, input.size())) != std::string_view::npos;
}

}  // namespace holdfast::http
