#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::ctl {

/// The proxy's response to a reload in words, one change a line. Errors: Malformed.
base::Result<std::string> reload_words(std::string_view response);

}  // namespace holdfast::ctl
