#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace holdfast::support {

/// What the sample app knows of one browser.
struct Login {
  std::string user;            ///< Empty: nobody has logged in.
  std::uint64_t requests = 0;  ///< Served to this session, by whichever backend.
};

/// Logins kept in files outside the app's process, so that every backend of the app knows all of them. Any thread, any
/// number of processes.
class Logins {
 public:
  explicit Logins(std::filesystem::path directory);

  /// Counts one request of the session and gives what is known of it. An unknown or odd id gives an empty Login.
  Login touch(const std::string& id) const;
  bool exists(const std::string& id) const;
  /// Sets who is logged in (empty: nobody).
  void set_user(const std::string& id, std::string_view user) const;
  void forget(const std::string& id) const;
  /// 128 random bits as text.
  static std::string new_id();

 private:
  std::filesystem::path directory_;
};

}  // namespace holdfast::support
