#include "tests/support/sample_app_logins.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tests/support/socket.h"

namespace holdfast::support {
namespace {

// The id becomes a file name: nothing but what new_id() makes may pass.
bool is_well_formed(std::string_view id) {
  return id.size() == 32 &&
         std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The session's file, opened and locked; not open when it cannot be.
Fd open_locked(const std::filesystem::path& file) {
  Fd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (fd.is_open() && ::flock(fd.get(), LOCK_EX) != 0) fd.close();
  return fd;
}

// "<requests> <user>"
Login read_login(const Fd& file) {
  std::array<char, 256> text{};
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
  const std::string_view all(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto space = std::min(all.find(' '), all.size());
  return {std::string(all.substr(std::min(space + 1, all.size()))),
          base::parse_decimal(all.substr(0, space)).value_or(0)};
}

void write_login(const Fd& file, const Login& login) {
  const std::string text = std::to_string(login.requests) + " " + login.user;
  const ssize_t wrote = ::pwrite(file.get(), text.data(), text.size(), 0);
  if (wrote >= 0 && ::ftruncate(file.get(), wrote) != 0) return;
}

}  // namespace

Logins::Logins(std::filesystem::path directory) : directory_(std::move(directory)) {
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
}

Login Logins::touch(const std::string& id) const {
  if (!is_well_formed(id)) return {};
  const Fd file = open_locked(directory_ / id);
  if (!file.is_open()) return {};
  Login login = read_login(file);
  ++login.requests;
  write_login(file, login);
  return login;
}

bool Logins::exists(const std::string& id) const {
  std::error_code ignored;
  return is_well_formed(id) && std::filesystem::exists(directory_ / id, ignored);
}

void Logins::set_user(const std::string& id, std::string_view user) const {
  if (!is_well_formed(id)) return;
  const Fd file = open_locked(directory_ / id);
  if (!file.is_open()) return;
  Login login = read_login(file);
  login.user = user.substr(0, 64);
  write_login(file, login);
}

void Logins::forget(const std::string& id) const {
  std::error_code ignored;
  if (is_well_formed(id)) std::filesystem::remove(directory_ / id, ignored);
}

std::string Logins::new_id() {
  std::array<std::uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return base::to_hex(bytes);
}

}  // namespace holdfast::support
