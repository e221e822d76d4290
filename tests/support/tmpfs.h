#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/socket.h"

namespace holdfast::support {

/// A small disk in memory, mounted over a directory that is there; gone at the end. Needs root.
class Tmpfs {
 public:
  static constexpr const char* kSize = "size=256k";

  /// nullptr where this system does not permit it; `why_not` says so.
  static std::unique_ptr<Tmpfs> over(const std::filesystem::path& directory, std::string& why_not) {
    if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, kSize) != 0) {
      why_not = "cannot mount a tmpfs: " + std::string(std::strerror(errno));
      return nullptr;
    }
    return std::unique_ptr<Tmpfs>(new Tmpfs(directory));
  }
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;
  ~Tmpfs() { ::umount2(path_.c_str(), MNT_DETACH); }

  const std::filesystem::path& path() const { return path_; }
  /// Not a byte is left.
  void fill() const {
    const Fd file{::open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    const std::string piece(4096, 'x');
    while (::write(file.get(), piece.data(), piece.size()) > 0) continue;
  }
  void make_room() const { ::unlink(ballast().c_str()); }
  bool forbid_writing() const { return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, kSize) == 0; }
  bool allow_writing() const { return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT, kSize) == 0; }

 private:
  explicit Tmpfs(std::filesystem::path path) : path_(std::move(path)) {}
  std::string ballast() const { return (path_ / "ballast").string(); }
  const std::filesystem::path path_;
};

}  // namespace holdfast::support
