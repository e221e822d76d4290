#pragma once

#include <string>

#include "base/result.h"

namespace holdfast::ctl {

/// A password from the terminal, asked for twice and not shown; where stdin is none, its first line. Errors: Invalid.
base::Result<std::string> read_password();
/// What to put into the configuration for it. Errors: Invalid (too short), Overload (no memory).
base::Result<std::string> passwd_words(const std::string& password);
/// A new token, and what to put into the configuration for it.
std::string token_words();

}  // namespace holdfast::ctl
