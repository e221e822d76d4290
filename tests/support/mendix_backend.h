#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "tests/support/proxy.h"
#include "tests/support/test_backend.h"

namespace holdfast::support {

/// A Mendix runtime as a proxy meets it: an admin port that speaks m2ee, and an app that keeps its sessions to itself.
///
/// Admin port: POST with a JSON action and the password; results as the runtime's own (0, -2 content type, -3 method,
/// -4 forbidden, -5 unknown action; 2 for check_health while it does not run). App: "/" begins a session, "/xas/" wants
/// one of this backend's and answers 401 otherwise, "/xas/fail" is a microflow that fails with 560. Any thread.
class MendixBackend {
 public:
  /// How a wrong password is answered: installations differ.
  enum class Refusal : std::uint8_t { Ok200, Unauthorized401, Forbidden403 };

  explicit MendixBackend(const std::string& name, std::string password = "1Secret!");

  const std::string& name() const { return app_.name(); }
  /// For the configuration, with its admin port.
  BackendConfig config() const;
  TestBackend& app() { return app_; }
  TestBackend& admin() { return admin_; }

  /// What runtime_status says: created, starting, broken, running, stopping, stopped.
  void set_status(std::string_view status);
  /// What check_health says: healthy, sick, unknown.
  void set_health(std::string_view health, std::string_view diagnosis = {});
  void set_password(std::string_view password);
  void set_refusal(Refusal refusal);
  /// Every action answers this, as HTTP 200; 0: none of that.
  void set_result(int result);
  int health_checks() const { return health_checks_; }

 private:
  void serve_admin(Conversation& c);
  void serve_app(Conversation& c);
  std::string reply_to(const Arrival& request);

  mutable std::mutex mutex_;
  std::string password_;
  std::string status_ = "running";  // guarded by mutex_, as all up to sessions_
  std::string health_ = "healthy";
  std::string diagnosis_;
  Refusal refusal_ = Refusal::Ok200;
  int result_ = 0;
  std::set<std::string> sessions_;
  std::atomic<int> health_checks_ = 0;
  TestBackend app_;  // last: their threads use the rest
  TestBackend admin_;
};

}  // namespace holdfast::support
