#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "conf/settings.h"

namespace holdfast::net {

/// A resolved TCP address, or a unix socket's. A value; cheap to copy.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  /// 16 bytes, IPv4 as its IPv4-mapped form: for trusted_proxies, source_ip, hashing.
  std::array<std::uint8_t, 16> bytes() const;
  std::uint16_t port() const;
  std::string host_text() const;  ///< "192.0.2.1", "2001:db8::1": no port, no brackets; mapped IPv4 as IPv4.
  std::string text() const;       ///< "192.0.2.1:80", "[2001:db8::1]:80", "/run/a.sock".
  bool operator==(const Address& other) const;
};

bool contains(const conf::Cidr& range, const std::array<std::uint8_t, 16>& address);

/// A literal address; nullopt when the host is a name.
std::optional<Address> literal_address(const conf::Endpoint& endpoint);

/// Of a unix socket. Invalid when the path is longer than the system's limit (107 bytes).
base::Result<Address> unix_address(std::string_view path);

/// A literal at once; a name through the system's resolver, which blocks: at start and on the control loop's helper
/// only. The first address the resolver gives.
base::Result<Address> resolve(const conf::Endpoint& endpoint);

}  // namespace holdfast::net
