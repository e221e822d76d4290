#include "ctl/passwd.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "admin/password.h"

namespace holdfast::ctl {

namespace {

constexpr std::size_t kShortest = 10;

/// Keeps a terminal from showing what is typed, as long as it lives.
class NoEcho {
 public:
  NoEcho() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputs("\n", stderr);
  }

 private:
  termios before_{};
};

std::string typed_line(const char* prompt) {
  std::string line;
  if (::isatty(STDIN_FILENO) == 0) {
    std::getline(std::cin, line);
    return line;
  }
  std::fputs(prompt, stderr);
  const NoEcho no_echo;
  std::getline(std::cin, line);
  return line;
}

}  // namespace

base::Result<std::string> read_password() {
  std::string password = typed_line("Password: ");
  if (::isatty(STDIN_FILENO) == 1 && typed_line("Once more: ") != password) {
    return base::Error{base::ErrorCode::Invalid, "the two passwords are not the same"};
  }
  return password;
}

base::Result<std::string> passwd_words(const std::string& password) {
  if (password.size() < kShortest) {
    return base::Error{base::ErrorCode::Invalid, fmt::format("a password has at least {} characters", kShortest)};
  }
  const std::string hash = admin::hash_password(password);
  if (hash.empty()) return base::Error{base::ErrorCode::Overload, "not enough memory to hash the password"};
  return fmt::format("password_hash = \"{}\"\n", hash);
}

std::string token_words() {
  const std::string token = admin::new_token();
  return fmt::format("# the token; it is not stored anywhere: {}\nhash = \"{}\"\n", token, admin::hash_token(token));
}

}  // namespace holdfast::ctl
