#include "admin/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "admin/password.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "http/cookie.h"
#include "web/host_rule.h"

namespace holdfast::admin {

using web::Caller;
using web::is_loopback;
using web::json_response;
using web::Request;
using web::Response;
using web::Role;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCheckingMax = 4;
constexpr std::size_t kPasswordBytesMax = 1024;
constexpr std::size_t kTextLogged = 200;

/// What everybody may ask: the page itself holds no data.
bool is_open(const Request& request) {
  static constexpr std::string_view kOpen[] = {"/",          "/livez",        "/readyz",       "/cluster/leader",
                                               "/api/v1/me", "/api/v1/login", "/api/v1/logout"};
  return std::find(std::begin(kOpen), std::end(kOpen), request.path) != std::end(kOpen);
}

/// Programs send it again and again: its first time has been logged.
bool repeats_itself(const Request& request) { return request.path.ends_with("/roll/renew"); }

bool changes_something(const Request& request) {
  return request.method != http::Method::Get && request.method != http::Method::Head;
}

bool is_json(std::string_view content_type) {
  return base::iequals(base::trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

/// A browser on this machine may have been told that another site's name means this machine (DNS rebinding): such a
/// name is no proof of who asks. Addresses are, and our own names.
bool is_known_host(std::string_view host, std::string_view own) {
  const bool is_address = host.find(':') != std::string_view::npos ||
                          host.find_first_not_of("0123456789.") == std::string_view::npos;  // or none at all
  return is_address || base::iequals(host, "localhost") || base::iequals(host, own);
}

std::string who(const Caller& caller) { return caller.name.empty() ? std::string(name_of(caller.by)) : caller.name; }

/// What the line of an order says of its body: a move's target, a drain's deadline; or nothing.
std::pair<std::string_view, std::string> detail_of(const std::string& body) {
  const Json json = base::parse_json(body);
  if (!json.is_object()) return {};
  for (const char* const key : {"to", "deadline"}) {
    if (json.contains(key) && json[key].is_string()) return {key, json[key].get<std::string>().substr(0, kTextLogged)};
  }
  return {};
}

}  // namespace

bool is_own_origin(const Request& request) {
  if (request.field("Sec-Fetch-Site") == "cross-site") return false;
  const std::string_view origin = request.field("Origin");
  if (origin.empty()) return true;
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && base::iequals(origin.substr(scheme + 3), request.field("Host"));
}

Access::Access(base::Scheduler& scheduler, Accounts accounts, Check check)
    : scheduler_(scheduler), accounts_(std::move(accounts)), check_(std::move(check)) {}

std::string_view Access::cookie_in(const Request& request) const {
  for (const auto& [name, value] : request.fields) {
    if (!base::iequals(name, "Cookie")) continue;
    if (const auto found = http::find_cookie(value, accounts_.cookie)) return *found;
  }
  return {};
}

Caller Access::caller_of(const Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view authorization = request.field("Authorization");
  if (base::iequals(authorization.substr(0, kBearer.size()), kBearer)) {
    const std::string hash = hash_token(base::trim(authorization.substr(kBearer.size())));
    for (const Account& token : accounts_.tokens) {
      if (is_same_secret(token.hash, hash)) {
        return {.role = token.role, .by = Caller::By::Token, .name = token.name, .csrf = {}};
      }
    }
    return {};  // a wrong token is nobody's, wherever it comes from
  }
  if (const std::string_view id = cookie_in(request); !id.empty()) {
    if (auto caller = logins_.find(id, scheduler_.now())) return *std::move(caller);
  }
  // Something in front of us passes on somebody who may be anywhere.
  const bool is_forwarded = !request.field("X-Forwarded-For").empty() || !request.field("Forwarded").empty();
  if (is_forwarded || !is_loopback(request.peer) || !is_known_host(request.host, accounts_.own_host)) return {};
  const bool acts = accounts_.users.empty() && accounts_.tokens.empty();
  return {.role = acts ? Role::Operator : Role::Viewer, .by = Caller::By::Loopback, .name = {}, .csrf = {}};
}

std::optional<Response> Access::admit(Request& request, Router::Respond& respond) {
  request.caller = caller_of(request);
  auto refused = refuse(request);
  if (!changes_something(request)) return refused;
  if (refused) return note_refusal(request, *refused), refused;
  if (is_open(request) || repeats_itself(request)) return std::nullopt;
  respond = [by = who(request.caller), from = request.peer.host_text(), path = request.path.substr(0, kTextLogged),
             detail = detail_of(request.body), respond = std::move(respond)](const Response& response) {
    const auto& [key, value] = detail;
    if (key.empty()) {
      base::log::info("operator_action", {{"by", by}, {"from", from}, {"path", path}, {"status", response.status}});
    } else {
      base::log::info("operator_action",
                      {{"by", by}, {"from", from}, {"path", path}, {key, value}, {"status", response.status}});
    }
    respond(response);
  };
  return std::nullopt;
}

void Access::note_refusal(const Request& request, const Response& response) {
  const auto left_out = refusals_.note(scheduler_.now());
  if (!left_out) return;
  base::log::warn("operator_refused", {{"by", who(request.caller)},
                                       {"from", request.peer.host_text()},
                                       {"path", std::string_view(request.path).substr(0, kTextLogged)},
                                       {"status", response.status},
                                       {"reason", std::string_view(response.body).substr(0, response.body.find('\n'))},
                                       {"left_out", *left_out}});
}

bool Access::still_admits(const Caller& caller) const {
  return caller.by != Caller::By::Login || logins_.has(caller.login, scheduler_.now());
}

std::optional<Response> Access::refuse(const Request& request) const {
  if (changes_something(request)) {
    if (!is_own_origin(request)) return text_response(403, "orders are not taken from pages of other origins");
    // Neither can be sent by a form, nor by a script of another origin without leave, which nobody gives.
    if (!is_json(request.field("Content-Type")) && request.field("X-Holdfast-Request") != "1") {
      return text_response(415, "send Content-Type: application/json, or X-Holdfast-Request: 1");
    }
  }
  if (is_open(request)) return std::nullopt;
  const Caller& caller = request.caller;
  if (caller.role == Role::None) {
    Response response = text_response(401, "log in, or send Authorization: Bearer TOKEN");
    response.more_fields = "WWW-Authenticate: Bearer realm=\"holdfast\"\r\n";
    return response;
  }
  if (!changes_something(request)) return std::nullopt;
  if (caller.role != Role::Operator && caller.by == Caller::By::Loopback) {
    return text_response(401, "this needs an operator: log in, or send Authorization: Bearer TOKEN");
  }
  if (caller.role != Role::Operator) return text_response(403, fmt::format("{} is not an operator", caller.name));
  if (caller.by == Caller::By::Login && !is_same_secret(request.field("X-Holdfast-CSRF"), caller.csrf)) {
    return text_response(403, "the header X-Holdfast-CSRF is missing; GET /api/v1/me returns its value");
  }
  return std::nullopt;
}

void Access::add_routes(Router& router) {
  router.add(http::Method::Get, "/api/v1/me", [this](const Request& request) { return me(request.caller); });
  router.add_later(http::Method::Post, "/api/v1/login",
                   [this](const Request& request, Router::Respond respond) { login(request, std::move(respond)); });
  router.add(http::Method::Post, "/api/v1/logout", [this](const Request& request) { return logout(request); });
}

Response Access::me(const Caller& caller) const {
  return json_response({{"name", caller.name},
                        {"role", name_of(caller.role)},
                        {"by", name_of(caller.by)},
                        {"login", !accounts_.users.empty()},
                        {"csrf", caller.csrf}});
}

void Access::login(const Request& request, Router::Respond respond) {
  const std::string from = request.peer.host_text();
  const Json body = base::parse_json(request.body);
  const auto text = [&](const char* key) {
    return body.is_object() && body.contains(key) && body[key].is_string() ? body[key].get<std::string>() : "";
  };
  const std::string name = text("name");
  std::string password = text("password");
  if (name.empty() || password.empty() || password.size() > kPasswordBytesMax) {
    return respond(text_response(400, R"(expected {"name":"...","password":"..."})"));
  }
  if (!limit_.may_try(from, scheduler_.now()) || checking_ >= kCheckingMax) {
    Response response = text_response(429, "too many failed logins: try again in a minute");
    response.more_fields = "Retry-After: 60\r\n";
    return respond(std::move(response));
  }
  const auto known = std::find_if(accounts_.users.begin(), accounts_.users.end(),
                                  [&](const Account& user) { return user.name == name; });
  if (accounts_.users.empty()) return respond(text_response(401, "there are no users: [[admin.users]] is empty"));
  // Without such a user, another user's hash is compared: the time of a response must not reveal which users exist.
  const Account user = known != accounts_.users.end() ? *known : Account{name, accounts_.users[0].hash, Role::None};
  limit_.note_failure(from, scheduler_.now());  // until it has gone well: those under way count
  ++checking_;
  check_(std::move(password), user.hash, [this, user, from, respond = std::move(respond)](bool fits) {
    --checking_;
    finish_login(user, from, fits && user.role != Role::None, respond);
  });
}

void Access::finish_login(const Account& user, const std::string& from, bool fits, const Router::Respond& respond) {
  if (!fits) {
    base::log::warn("login_failed", {{"from", from}});
    return respond(text_response(401, "wrong user name or password"));
  }
  limit_.note_success(from);
  const std::string id = logins_.begin(user.name, user.role, scheduler_.now());
  base::log::info("login", {{"user", user.name}, {"role", name_of(user.role)}, {"from", from}});
  Response response = me(logins_.find(id, scheduler_.now()).value_or(Caller{}));
  response.more_fields =
      fmt::format("Set-Cookie: {}={}; Path=/; HttpOnly; {}SameSite=Strict; Max-Age={}\r\n", accounts_.cookie, id,
                  accounts_.is_secure ? "Secure; " : "", std::chrono::seconds(std::chrono::hours{12}).count());
  respond(std::move(response));
}

Response Access::logout(const Request& request) {
  logins_.end(cookie_in(request));
  Response response = text_response(200, "logged out");
  response.more_fields = fmt::format("Set-Cookie: {}=; Path=/; HttpOnly; {}SameSite=Strict; Max-Age=0\r\n",
                                     accounts_.cookie, accounts_.is_secure ? "Secure; " : "");
  return response;
}

}  // namespace holdfast::admin
