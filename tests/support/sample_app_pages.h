#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sample_app_logins.h"
#include "tests/support/wire.h"

namespace holdfast::support {

/// What one process of the sample app is.
struct SampleApp {
  std::string name = "app1";
  std::chrono::milliseconds delay{0};  ///< Before every response but that of /health.
  Logins logins;
  std::atomic<std::uint64_t> requests = 0;  ///< Served by this process, health checks left out.
};

/// A request of the app, its body still on the wire.
struct AppRequest {
  std::string method;
  std::string path;
  std::string query;  ///< Without the '?'.
  WireHead head;
  std::string session;  ///< Value of connect.sid; empty when the browser sent none that is known.
  bool keep_alive = true;

  std::string query_value(std::string_view name) const;
};

/// Reads requests from a connection and answers them until it ends. Blocking; one thread each.
void serve_connection(SampleApp& app, Wire wire);

/// What "/" shows, as HTML.
std::string home_page(const SampleApp& app, const Login& login, const AppRequest& request);
std::string login_page(const SampleApp& app);

/// The response of a WebSocket server to `key` (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);
/// Echoes frames until the peer closes (RFC 6455; text, binary, ping, close; no fragments).
void echo_websocket(Wire& wire);

}  // namespace holdfast::support
