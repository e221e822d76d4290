#include "web/host_rule.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace holdfast::web {

namespace {

using Bytes = std::array<std::uint8_t, 16>;

// 127.0.0.0/8 in its IPv4-mapped form, or ::1.
bool is_loopback(const Bytes& bytes) {
  static constexpr Bytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  static constexpr Bytes kSix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::equal(bytes.begin(), bytes.begin() + 13, kMapped.begin()) || bytes == kSix;
}

std::optional<Bytes> literal(const std::string& host) {
  Bytes bytes{};
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return bytes;
  bytes = {};
  bytes[10] = bytes[11] = 0xff;
  if (::inet_pton(AF_INET, host.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

}  // namespace

bool is_loopback(const net::Address& address) { return is_loopback(address.bytes()); }

HostRule::HostRule(const net::Address& bound, std::string_view configured_host)
    : loopback_only_(is_loopback(bound.bytes())), configured_host_(configured_host) {}

bool HostRule::accepts(std::string_view host) const {
  if (!loopback_only_ || host.empty()) return true;
  if (base::iequals(host, "localhost") || base::iequals(host, configured_host_)) return true;
  const auto bytes = literal(std::string(host));
  return bytes && is_loopback(*bytes);
}

}  // namespace holdfast::web
