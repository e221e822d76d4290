#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::health {

/// Compares values inside a JSON text with what is expected: pairs of JSON pointer (RFC 6901) and value as text, where
/// a string stands for its content and a number, true, false or null for how JSON writes it. Objects and arrays equal
/// nothing. Returns the first mismatch as text, or nullopt when all is as expected. Never throws.
std::optional<std::string> json_mismatch(std::string_view text,
                                         const std::vector<std::pair<std::string, std::string>>& expected);

}  // namespace holdfast::health
