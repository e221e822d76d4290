#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "conf/settings.h"

namespace holdfast::ctl {

/// Where a proxy's admin listener is, and how it is spoken to.
struct AdminUrl : conf::Endpoint {
  bool is_tls = false;
  std::string ca;  ///< PEM file with the authorities to believe; empty: this machine's.
};

/// "http://127.0.0.1:8081", "https://[::1]:8081/", "lb1:8081"; the port is 8081 where none is given. Errors: Invalid.
base::Result<AdminUrl> parse_admin_url(std::string_view url);

struct HttpResponse {
  std::uint16_t status = 0;
  std::string body;
};

/// One GET over a connection of its own; blocks for at most `patience` in all (but for a slow resolver).
/// Errors: Invalid (the `ca` file), Unreachable (no such host), Refused, Timeout, Malformed, Closed, TooLarge (over 64
/// MiB), Io; the text is a sentence for people that names the address.
base::Result<HttpResponse> http_get(const AdminUrl& where, std::string_view path, base::Duration patience);
/// The same with a JSON text to be taken.
base::Result<HttpResponse> http_post(const AdminUrl& where, std::string_view path, std::string_view json,
                                     base::Duration patience);

}  // namespace holdfast::ctl
