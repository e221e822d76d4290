#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "tests/support/proxy.h"
#include "tests/support/test_backend.h"

namespace holdfast::support {

/// An M-Files server as a proxy meets it.
///
/// "/REST/server/status" is 200, or 503 while its vault is detached. "/REST/server/authenticationtokens" gives a token
/// that only this server knows: anything else below "/REST/" wants one in X-Authentication and answers 403 otherwise.
/// "/login" wants an NTLM-like exchange of three messages, all on one connection, which is logged in from then on;
/// its response sets the cookie mfilesmsm. Any thread.
class MfilesBackend {
 public:
  explicit MfilesBackend(std::string name);

  const std::string& name() const { return server_.name(); }
  BackendConfig config() const { return {server_.name(), server_.port()}; }
  TestBackend& server() { return server_; }
  void detach_vault() { has_vault_ = false; }
  void attach_vault() { has_vault_ = true; }

 private:
  void respond(Conversation& c);
  void serve_login(Conversation& c);

  std::atomic<bool> has_vault_ = true;
  std::mutex mutex_;
  std::set<std::string> tokens_;  // guarded by mutex_, as the next two
  std::set<int> challenged_;      // connections
  std::set<int> logged_in_;
  TestBackend server_;  // last: its threads use the rest
};

}  // namespace holdfast::support
