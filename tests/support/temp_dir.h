#pragma once

#include <filesystem>
#include <string_view>

namespace holdfast::support {

/// A fresh directory below the system's temporary one, removed with all in it at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }
  /// Writes `text` to a file in it, replacing what was there.
  std::filesystem::path write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// All of a file; empty when it cannot be read.
std::string read_text(const std::filesystem::path& file);

}  // namespace holdfast::support
