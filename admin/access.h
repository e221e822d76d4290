#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/logins.h"
#include "admin/refusal_limit.h"
#include "base/scheduler.h"
#include "web/caller.h"
#include "web/message.h"
#include "web/router.h"

namespace holdfast::admin {

/// A user or a token as configured.
struct Account {
  std::string name;
  std::string hash;  ///< Of the password (password.h), or of the token.
  web::Role role = web::Role::Viewer;
};

/// Who may do what on the admin listener.
///
///                        from this machine   with a login or token   from elsewhere
///   no users configured  acts                -                       (refused at start)
///   users configured     looks               as its role             alive? ready? who leads? and may log in
///
/// Every order has to be a POST that no page of another site can send, and that no page of another origin has sent.
/// Lives on the control loop.
class Access {
 public:
  /// Tells `done` on the loop whether the password fits; may take long.
  using Check = std::function<void(std::string password, std::string hash, std::function<void(bool)> done)>;

  struct Accounts {
    std::vector<Account> users;
    std::vector<Account> tokens;
    std::string own_host;                   ///< What the configuration calls the listener.
    std::string cookie = "holdfast_admin";  ///< Browsers share cookies among ports: its own name for each listener.
    bool is_secure = false;                 ///< The listener speaks TLS: browsers must not send the cookie without TLS.
  };

  /// `scheduler` outlives it.
  Access(base::Scheduler& scheduler, Accounts accounts, Check check);

  /// Finds out who asks and writes it into the request: by cookie, token, or address. What refuses them; nullopt:
  /// nothing does, and an order's outcome will be written down when `respond` gets it. A refused order is, too.
  std::optional<web::Response> admit(web::Request& request, web::Router::Respond& respond);

  /// May the receiver of an endless response still look? The login may have ended since.
  bool still_admits(const web::Caller& caller) const;

  /// GET /api/v1/me, POST /api/v1/login {"name","password"}, POST /api/v1/logout.
  void add_routes(web::Router& router);

 private:
  web::Caller caller_of(const web::Request& request);
  std::optional<web::Response> refuse(const web::Request& request) const;
  void note_refusal(const web::Request& request, const web::Response& response);
  void login(const web::Request& request, web::Router::Respond respond);
  void finish_login(const Account& user, const std::string& from, bool fits, const web::Router::Respond& respond);
  web::Response logout(const web::Request& request);
  web::Response me(const web::Caller& caller) const;
  std::string_view cookie_in(const web::Request& request) const;

  base::Scheduler& scheduler_;
  const Accounts accounts_;
  const Check check_;
  Logins logins_;
  LoginLimit limit_;
  RefusalLimit refusals_;
  std::size_t checking_ = 0;  // passwords that are being compared
};

/// The Origin of a browser's request is the very listener it goes to; or there is none, as from scripts (RFC 6454).
bool is_own_origin(const web::Request& request);

}  // namespace holdfast::admin
