#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "web/caller.h"

namespace holdfast::admin {

/// Who is logged in. In memory only: a restart logs everybody out. The control loop's thread; time is handed in.
class Logins {
 public:
  static constexpr std::size_t kKept = 200;  ///< Beyond, the one unused for longest is logged out.
  static constexpr base::Duration kIdle = std::chrono::minutes{60};
  static constexpr base::Duration kLongest = std::chrono::hours{12};

  /// The id for the cookie.
  std::string begin(const std::string& name, web::Role role, base::Instant now);
  /// Who has this id; it is used by this.
  std::optional<web::Caller> find(std::string_view id, base::Instant now);
  /// Whether Caller::login has not ended yet; no use of it.
  bool has(const std::string& login, base::Instant now) const;
  void end(std::string_view id);
  std::size_t size() const { return logins_.size(); }

 private:
  struct Login {
    web::Caller caller;
    base::Instant began{};
    base::Instant used{};
  };
  static bool is_over(const Login& login, base::Instant now);
  void make_room(base::Instant now);

  std::unordered_map<std::string, Login> logins_;  // by the hash of the id
};

/// Keeps passwords from being guessed: so many failures a while, from one address and from all together. The bound on
/// what it remembers makes the oldest be forgotten. Pure.
class LoginLimit {
 public:
  static constexpr std::uint32_t kFromOne = 5;
  static constexpr std::uint32_t kFromAll = 60;
  static constexpr base::Duration kWhile = std::chrono::minutes{1};
  static constexpr std::size_t kKept = 1000;

  bool may_try(const std::string& address, base::Instant now);
  void note_failure(const std::string& address, base::Instant now);
  void note_success(const std::string& address) { failures_.erase(address); }

 private:
  struct Row {
    std::uint32_t failures = 0;
    base::Instant began{};
  };
  static bool is_full(Row& row, std::uint32_t max, base::Instant now);

  Row all_;
  std::unordered_map<std::string, Row> failures_;  // by address
};

}  // namespace holdfast::admin
