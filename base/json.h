#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// JSON in and out, compiled once: the parser and the serializer of nlohmann/json cost every file that uses them
/// seconds to compile.
namespace holdfast::base {

/// The document; is_discarded() where the text is not valid JSON. Never throws.
nlohmann::ordered_json parse_json(std::string_view text);

/// One line, or with `indent` >= 0 spaces several. Bytes that are not UTF-8 become U+FFFD. Never throws for that.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace holdfast::base
