#pragma once

#include <string_view>

#include "http/head.h"

namespace holdfast::http {

/// Methods are case-sensitive (RFC 9110 section 9.1): "get" is Other.
Method method_of(std::string_view text);

}  // namespace holdfast::http
