#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace holdfast::base {

void check_failed(std::string_view what, std::string_view file, int line) {
  std::fprintf(stderr, "holdfast: broken invariant: %.*s (%.*s:%d)\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(file.size()), file.data(), line);
  std::abort();
}

}  // namespace holdfast::base
