#pragma once

#include <cstdint>
#include <vector>

#include "http/fault.h"
#include "http/head.h"

namespace holdfast::http {

/// What the Connection fields of a head ask for.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;

  /// RFC 9112 section 9.3: `close` wins, then the version's default.
  bool is_persistent(std::uint8_t minor) const { return !close && (minor == 1 || keep_alive); }
};

/// Reads all Connection fields and marks the fields they name as hop-by-hop (RFC 9110 section 7.6.1).
///
/// That removal is a stranger's tool, too: "Connection: Cookie" would make us strip what the app relies on. So naming
/// Host, Content-Length, Transfer-Encoding or Expect, which no sender does in good faith, is a fault; naming a field
/// whose loss changes the message or its origin (Cookie, Authorization, X-Forwarded-*, preconditions...) has no effect.
Fault read_connection(std::vector<Field>& fields, ConnectionOptions& options);

/// An Upgrade field's value names something that may be tunnelled: protocols (RFC 9110 section 7.8), and none of them
/// h2c, HTTP/x or TLS/x, through which a client would talk to a backend past the proxy's rules.
bool may_upgrade_to(std::string_view protocols);

}  // namespace holdfast::http
