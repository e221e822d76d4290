#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::web {

/// What somebody may do: nothing but see whether we are alive; look; act.
enum class Role : std::uint8_t { None, Viewer, Operator };

constexpr std::string_view name_of(Role role) {
  switch (role) {
    case Role::None:
      return "none";
    case Role::Viewer:
      return "viewer";
    case Role::Operator:
      return "operator";
  }
  return "none";
}

/// Who asks, and how we know.
struct Caller {
  enum class By : std::uint8_t { Nothing, Loopback, Login, Token };
  Role role = Role::None;
  By by = By::Nothing;
  std::string name;        ///< Of the user or token; empty: somebody on this machine, or nobody.
  std::string csrf;        ///< With By::Login: what a page has to show beside the cookie.
  std::string login = {};  ///< With By::Login: which one (Logins::has); no secret.
};

constexpr std::string_view name_of(Caller::By by) {
  switch (by) {
    case Caller::By::Nothing:
      return "nothing";
    case Caller::By::Loopback:
      return "loopback";
    case Caller::By::Login:
      return "login";
    case Caller::By::Token:
      return "token";
  }
  return "nothing";
}

}  // namespace holdfast::web
