#include "conf/diagnostic.h"

#include <fmt/format.h>

namespace holdfast::conf {

std::string diagnostics_text(std::string_view file, const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    out += fmt::format("{}:{}:{}: {}\n", file, diagnostic.line, diagnostic.column, diagnostic.what);
  }
  return out;
}

}  // namespace holdfast::conf
