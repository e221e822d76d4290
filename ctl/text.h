#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// What the other side says, fit for a terminal.
namespace holdfast::ctl {

/// One line of it, with control characters shown as '?'.
std::string printable_line(std::string_view text);
/// Several of them.
std::string printable_lines(std::string_view text);
/// The text at `key`, printable; empty where there is none.
std::string text_in(const nlohmann::ordered_json& object, std::string_view key);
/// The count at `key`; 0 where there is none.
std::uint64_t number_in(const nlohmann::ordered_json& object, std::string_view key);
/// The flag at `key`; `otherwise` where there is none.
bool flag_in(const nlohmann::ordered_json& object, std::string_view key, bool otherwise);

}  // namespace holdfast::ctl
