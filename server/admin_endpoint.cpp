#include "server/admin_endpoint.h"

#include <functional>
#include <string>
#include <utility>

#include "admin/endpoints.h"
#include "base/log.h"
#include "net/tls_stream.h"

namespace holdfast::server {

namespace {

admin::Access::Accounts accounts_of(const conf::Admin& admin, std::uint16_t port) {
  const auto role = [](conf::AdminRole configured) {
    return configured == conf::AdminRole::Operator ? web::Role::Operator : web::Role::Viewer;
  };
  admin::Access::Accounts accounts;
  accounts.own_host = admin.address.host;
  accounts.cookie = "holdfast_admin_" + std::to_string(port);
  accounts.is_secure = !admin.tls_cert.empty();
  for (const conf::AdminUser& user : admin.users) {
    accounts.users.push_back({user.name, user.password_hash, role(user.role)});
  }
  for (const conf::AdminToken& token : admin.tokens) {
    accounts.tokens.push_back({token.name, token.hash, role(token.role)});
  }
  return accounts;
}

}  // namespace

AdminEndpoint::AdminEndpoint(const Parts& parts, net::BoundSocket socket, std::shared_ptr<const net::TlsContext> tls)
    : loop_(parts.loop),
      status_(parts.status),
      operators_(parts.operators),
      live_(loop_, status_, parts.timeline),
      passwords_(loop_),
      access_(loop_, accounts_of(parts.admin, socket.address().port()),
              [this](std::string password, std::string hash, std::function<void(bool)> done) {
                passwords_.check(std::move(password), std::move(hash), std::move(done));
              }),
      server_(loop_, router(parts), web::HostRule(socket.address(), parts.admin.address.host)) {
  const bool is_tls = tls != nullptr;
  const auto on_accept = [this, tls = std::move(tls)](std::unique_ptr<net::Stream> stream) {
    if (tls) stream = std::make_unique<net::TlsStream>(tls->accepting(), std::move(stream));
    server_.accept(std::move(stream));
  };
  listener_ = std::make_unique<net::Listener>(loop_, std::move(socket), on_accept);
  base::log::info("admin_listening", {{"speaks", is_tls ? "https" : "http"}, {"address", listener_->address().text()}});
}

AdminEndpoint::~AdminEndpoint() = default;

web::Router AdminEndpoint::router(const Parts& parts) {
  return admin::make_router({.access = access_,
                             .source = status_,
                             .operators = operators_,
                             .sessions = operators_,
                             .rolls = operators_,
                             .reloads = parts.reload,
                             .quarantine = parts.operators.backends.quarantine(),
                             .live = live_,
                             .timeline = parts.timeline,
                             .history = history_});
}

void AdminEndpoint::leave() {
  listener_.reset();
  server_.leave();
}

void AdminEndpoint::on_tick() {
  const base::Instant now = loop_.now();
  status_.on_tick(now);
  if (now < history_due_) return;
  history_due_ = now + admin::History::kStep;
  history_.note(status_.status());
}

}  // namespace holdfast::server
