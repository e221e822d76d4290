#pragma once

#include <string>
#include <string_view>

#include "net/address.h"

namespace holdfast::web {

/// 127.0.0.0/8, also in its IPv4-mapped form, or ::1.
bool is_loopback(const net::Address& address);

/// Guards a listener that only this machine can reach against web pages that let their own name resolve to it (DNS
/// rebinding): there, the request must name the machine itself. A listener others may reach has names we cannot know,
/// so nothing is checked.
class HostRule {
 public:
  /// `bound` is where the listener really listens, `configured_host` what the configuration calls it.
  HostRule(const net::Address& bound, std::string_view configured_host);

  /// `host` is RequestHead::host: without port and brackets; empty only in an HTTP/1.0 request without Host, which no
  /// browser sends.
  bool accepts(std::string_view host) const;

 private:
  bool loopback_only_;
  std::string configured_host_;
};

}  // namespace holdfast::web
