#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "conf/words.h"

// The part of words.h that is about hosts and addresses.
namespace holdfast::conf {

namespace {

base::Error wrong(std::string what) { return {base::ErrorCode::Invalid, std::move(what)}; }

constexpr std::size_t kHostMax = 253;
constexpr std::uint8_t kMappedBits = 96;  ///< Where an IPv4 address begins in its mapped IPv6 form.

struct Ip {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t first_bit = 0;  ///< 96 for IPv4.
};

std::optional<Ip> parse_ip(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  Ip ip;
  if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) == 1) return ip;
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) != 1) return std::nullopt;
  ip.first_bit = kMappedBits;
  ip.bytes[10] = ip.bytes[11] = 0xff;
  std::copy(four.begin(), four.end(), ip.bytes.begin() + kMappedBits / 8);
  return ip;
}

bool is_ipv6(std::string_view text) { return text.find(':') != std::string_view::npos && parse_ip(text).has_value(); }

/// A last label of digits only is an attempt at an IPv4 address, not a name (RFC 1123 section 2.1).
bool looks_like_ipv4(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<base::Error> bad_label(std::string_view label) {
  if (label.empty()) return wrong("the host has an empty label: look for a dot too many");
  if (label.size() > 63) return wrong("a label of the host has more than 63 characters");
  if (label.front() == '-' || label.back() == '-') return wrong("a label of the host begins or ends with `-`");
  for (const char c : label) {
    const char l = base::lower(c);
    if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') continue;
    if (static_cast<unsigned char>(c) >= 0x80) return wrong("write an international host name in its xn-- form");
    if (c == ' ') return wrong("a space is not allowed in a host");
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return wrong("a control character is not allowed in a host");
    return wrong(fmt::format("`{}` is not allowed in a host", c));
  }
  return std::nullopt;
}

/// A host name or an IPv4 address, lower-cased.
base::Result<std::string> parse_host_name(std::string_view text) {
  if (text.empty()) return wrong("the host is missing");
  if (text.size() > kHostMax) return wrong(fmt::format("the host has more than {} characters", kHostMax));
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    if (auto bad = bad_label(text.substr(at, end - at))) return *bad;
    at = end + 1;
  }
  if (looks_like_ipv4(text) && !parse_ip(text)) return wrong("the host is not an IPv4 address");
  return base::to_lower(text);
}

base::Result<std::uint16_t> parse_port(std::string_view text, std::uint16_t port_min) {
  const auto port = base::parse_decimal(text);
  if (!port) return wrong("the port is not a number");
  if (*port < port_min || *port > 65535) return wrong(fmt::format("the port is not within {} to 65535", port_min));
  return static_cast<std::uint16_t>(*port);
}

base::Result<Endpoint> parse_bracketed(std::string_view text, std::uint16_t port_min) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return wrong("`]` is missing");
  const std::string_view host = text.substr(1, close - 1);
  if (!is_ipv6(host)) return wrong("the text in brackets is not an IPv6 address");
  if (close + 1 >= text.size() || text[close + 1] != ':') return wrong("the port is missing");
  const auto port = parse_port(text.substr(close + 2), port_min);
  if (!port) return port.error();
  return Endpoint{base::to_lower(host), *port};
}

}  // namespace

base::Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t port_min) {
  if (text.find("://") != std::string_view::npos) return wrong("leave out the scheme");
  if (text.find('/') != std::string_view::npos) return wrong("leave out the path");
  if (text.starts_with('[')) return parse_bracketed(text, port_min);
  if (is_ipv6(text)) return wrong("write an IPv6 address in brackets, with the port behind them");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos) return wrong("write an IPv6 address in brackets");
  if (host == "*") return wrong("for every address write 0.0.0.0 or [::]");
  auto name = parse_host_name(host);
  if (!name) return name.error();
  const auto port = parse_port(text.substr(colon + 1), port_min);
  if (!port) return port.error();
  return Endpoint{std::move(*name), *port};
}

base::Result<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return wrong("it is not an IPv4 or IPv6 address");
  const auto bits_max = static_cast<std::uint64_t>(128 - ip->first_bit);
  std::uint64_t bits = bits_max;
  if (slash < text.size()) {
    const auto given = base::parse_decimal(text.substr(slash + 1));
    if (!given || *given > bits_max) return wrong(fmt::format("the prefix length is not within 0 to {}", bits_max));
    bits = *given;
  }
  Cidr range;
  std::copy(ip->bytes.begin(), ip->bytes.end(), range.bytes);
  range.prefix_bits = static_cast<std::uint8_t>(bits + ip->first_bit);
  range.text = std::string(text);
  for (unsigned bit = range.prefix_bits; bit < 128; ++bit) {
    if ((ip->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return wrong(fmt::format("the address has bits beyond the prefix of {}", bits));
    }
  }
  return range;
}

base::Result<std::string> parse_host_pattern(std::string_view text) {
  if (text.empty()) return wrong("leave the key out to match any host");
  if (text == "*") return wrong("leave the key out to match any host");
  if (text.find("://") != std::string_view::npos) return wrong("leave out the scheme");
  if (text.find('/') != std::string_view::npos) return wrong("the path has a key of its own, `path`");
  if (text.starts_with('[') && text.ends_with(']')) {
    const std::string_view inside = text.substr(1, text.size() - 2);
    if (!is_ipv6(inside)) return wrong("the text in brackets is not an IPv6 address");
    return base::to_lower(inside);
  }
  if (is_ipv6(text)) return base::to_lower(text);
  if (text.find(':') != std::string_view::npos) return wrong("leave out the port: every port matches");
  const bool is_wildcard = text.starts_with("*.");
  const std::string_view rest = is_wildcard ? text.substr(2) : text;
  if (rest.find('*') != std::string_view::npos) return wrong("`*` may only stand for the first labels: \"*.name\"");
  auto name = parse_host_name(rest);
  if (!name) return name;
  if (is_wildcard && looks_like_ipv4(*name)) return wrong("`*.` cannot stand before an address");
  return is_wildcard ? "*." + *name : *name;
}

base::Result<std::string> parse_host_field(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    if (!is_ipv6(text.substr(1, text.size() - 2))) return wrong("the text in brackets is not an IPv6 address");
    return std::string(text);
  }
  if (text.find(':') == std::string_view::npos && text.find('/') == std::string_view::npos) {
    return parse_host_name(text);
  }
  const auto endpoint = parse_endpoint(text, 1);
  if (!endpoint) return endpoint.error();
  return std::string(text);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const auto ip = parse_ip(host);
  if (!ip) return false;
  if (ip->first_bit == kMappedBits) return ip->bytes[12] == 127;
  Ip one;
  one.bytes[15] = 1;
  return ip->bytes == one.bytes;
}

}  // namespace holdfast::conf
