#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "conf/settings.h"

namespace holdfast::net {

/// A resolved TCP address. A value; cheap to copy.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  /// 16 bytes, IPv4 as its IPv4-mapped form: for trusted_proxies, source_ip, hashing.
  std::array<std::uint8_t, 16> bytes() const;
  std::uint16_t port() const;
  std::string host_text() const;  ///< "192.0.2.1", "2001:db8::1": no port, no brackets; mapped IPv4 as IPv4.
  std::string text() const;       ///< "192.0.2.1:80", "[2001:db8::1]:80".
};

bool contains(const conf::Cidr& range, const std::array<std::uint8_t, 16>& address);

/// A literal at once; a name through the system's resolver, which blocks: at start and on the control loop's helper
/// only. The first address the resolver gives.
base::Result<Address> resolve(const conf::Endpoint& endpoint);

}  // namespace holdfast::net
