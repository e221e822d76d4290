#include "conf/mistake.h"

#include <fmt/format.h>

namespace holdfast::conf {

std::string mistakes_text(std::string_view file, const std::vector<Mistake>& mistakes) {
  std::string out;
  for (const Mistake& mistake : mistakes) {
    out += fmt::format("{}:{}:{}: {}\n", file, mistake.line, mistake.column, mistake.what);
  }
  return out;
}

}  // namespace holdfast::conf
