#include "tests/house/code_text.h"

#include <algorithm>
#include <cctype>

namespace holdfast::house {

namespace {
bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
}  // namespace

std::string code_only(std::string_view text) {
  std::string code;
  code.reserve(text.size());
  while (!text.empty()) {
    std::size_t skip = 0;
    if (text.starts_with("//")) {
      skip = std::min(text.find('\n'), text.size());
    } else if (text.starts_with("/*")) {
      skip = std::min(text.find("*/", 2), text.size() - 2) + 2;
    } else if (text.starts_with("R\"")) {
      const auto open = std::min(text.find('('), text.size() - 1);
      const std::string end = ")" + std::string(text.substr(2, open - 2)) + "\"";
      skip = std::min(text.find(end, open), text.size() - end.size()) + end.size();
    } else if (text[0] == '"' || (text[0] == '\'' && (code.empty() || !is_identifier(code.back())))) {
      skip = 1;
      while (skip < text.size() && text[skip] != text[0] && text[skip] != '\n') skip += text[skip] == '\\' ? 2u : 1u;
      skip = std::min(skip + 1, text.size());
    }
    code += skip == 0 ? text[0] : ' ';
    code.append(static_cast<std::size_t>(std::ranges::count(text.substr(0, skip), '\n')), '\n');
    text.remove_prefix(std::max<std::size_t>(skip, 1));
  }
  return code;
}

}  // namespace holdfast::house
