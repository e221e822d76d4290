#include "ctl/text.h"

#include <algorithm>

namespace holdfast::ctl {

std::string printable_line(std::string_view text) {
  std::string out(text.substr(0, text.find_last_not_of("\r\n") + 1));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.append(out.empty() ? "" : "\n").append(printable_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string text_in(const nlohmann::ordered_json& object, std::string_view key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? printable_line(it->get<std::string>()) : std::string{};
}

std::uint64_t number_in(const nlohmann::ordered_json& object, std::string_view key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

bool flag_in(const nlohmann::ordered_json& object, std::string_view key, bool otherwise) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() ? it->get<bool>() : otherwise;
}

}  // namespace holdfast::ctl
