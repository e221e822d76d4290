#pragma once

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace holdfast::support {

/// A certificate of its own authority for localhost and 127.0.0.1, and its key: PEM files in `dir`, made by the program
/// openssl.
struct Certificate {
  explicit Certificate(const TempDir& dir);
  std::filesystem::path cert;
  std::filesystem::path key;
};

}  // namespace holdfast::support
