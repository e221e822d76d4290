#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace holdfast::net {

bool Address::operator==(const Address& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

std::array<std::uint8_t, 16> Address::bytes() const {
  std::array<std::uint8_t, 16> out{};
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    out[10] = out[11] = 0xff;
    std::memcpy(&out[12], &v4.sin_addr, 4);
  } else if (storage.ss_family == AF_INET6) {
    std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, 16);
  }
  return out;
}

std::uint16_t Address::port() const {
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

std::string Address::host_text() const {
  const auto raw = bytes();
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN] = "";
  if (std::memcmp(raw.data(), kMapped, sizeof kMapped) == 0) {
    char* end = text;  // by hand: once per connection, and inet_ntop goes through printf
    for (std::size_t i = 12; i < 16; ++i) {
      if (i != 12) *end++ = '.';
      end = std::to_chars(end, text + sizeof text, raw[i]).ptr;
    }
    return {text, end};
  } else {
    inet_ntop(AF_INET6, raw.data(), text, sizeof text);
  }
  return text;
}

std::string Address::text() const {
  if (storage.ss_family == AF_UNIX) return reinterpret_cast<const sockaddr_un&>(storage).sun_path;
  return conf::Endpoint{host_text(), port()}.text();
}

bool contains(const conf::Cidr& range, const std::array<std::uint8_t, 16>& address) {
  const std::size_t whole = range.prefix_bits / 8u;
  if (std::memcmp(range.bytes, address.data(), whole) != 0) return false;
  const unsigned rest = range.prefix_bits % 8u;
  return rest == 0 || ((range.bytes[whole] ^ address[whole]) >> (8u - rest)) == 0;
}

namespace {

base::Result<Address> look_up(const conf::Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) {
    return base::Error{base::ErrorCode::Unreachable, endpoint.host + ": " + gai_strerror(failed)};
  }
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

}  // namespace

std::optional<Address> literal_address(const conf::Endpoint& endpoint) {
  const auto found = look_up(endpoint, AI_NUMERICHOST);
  return found ? std::optional(*found) : std::nullopt;
}

base::Result<Address> unix_address(std::string_view path) {
  Address address;
  auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof name.sun_path || path.find('\0') != std::string_view::npos) {
    return base::Error{base::ErrorCode::Invalid, std::string(path) + ": no path of a unix socket"};
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

base::Result<Address> resolve(const conf::Endpoint& endpoint) { return look_up(endpoint, 0); }

}  // namespace holdfast::net
