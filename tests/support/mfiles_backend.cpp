#include "tests/support/mfiles_backend.h"

namespace holdfast::support {

MfilesBackend::MfilesBackend(std::string name) : server_(std::move(name)) {
  server_.on("*", [this](Conversation& c) { respond(c); });
}

void MfilesBackend::respond(Conversation& c) {
  if (c.read_body() != End::Whole) return;
  const Arrival& request = c.arrival();
  if (request.target == "/REST/server/status") {
    c.respond(has_vault_ ? 200 : 503, has_vault_ ? R"({"Successful":true})" : R"({"Message":"vault is detached"})");
    return;
  }
  if (request.target == "/login") return serve_login(c);
  if (!request.target.starts_with("/REST/")) {
    c.respond(200, server_.name());
    return;
  }
  const std::lock_guard lock(mutex_);
  if (request.target == "/REST/server/authenticationtokens" && request.method == "POST") {
    const std::string token = "token-" + server_.name() + "-" + std::to_string(tokens_.size());
    tokens_.insert(token);
    c.respond(200, R"({"Value":")" + token + "\"}", "Content-Type: application/json\r\n");
  } else if (tokens_.contains(request.head.field("X-Authentication").value_or(""))) {
    c.respond(200, server_.name());
  } else {
    c.respond(403, R"({"Message":"the token is not of this server"})", "Content-Type: application/json\r\n");
  }
}

// Type 1, challenge, type 3, as RFC 4559 describes it for Negotiate; what is inside is of no interest here.
void MfilesBackend::serve_login(Conversation& c) {
  const int connection = c.arrival().connection;
  const std::string credentials = c.arrival().head.field("Authorization").value_or("");
  const std::lock_guard lock(mutex_);
  if (credentials == "NTLM type1") {
    challenged_.insert(connection);
    c.respond(401, "", "WWW-Authenticate: NTLM challenge\r\n");
    return;
  }
  if (credentials == "NTLM type3" && challenged_.contains(connection)) logged_in_.insert(connection);
  if (logged_in_.contains(connection)) {
    c.respond(200, server_.name(),
              "Set-Cookie: mfilesmsm=" + server_.name() + "-" + std::to_string(connection) + "\r\n");
  } else {
    c.respond(401, "", "WWW-Authenticate: NTLM\r\n");
  }
}

}  // namespace holdfast::support
