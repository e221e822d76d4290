#pragma once

#include <cstdio>
#include <cstdlib>

namespace holdfast::fuzz {

/// What must hold for any input whatever; the fuzzer keeps the input where it does not.
inline void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace holdfast::fuzz
