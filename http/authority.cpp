#include "http/authority.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr std::size_t kHostMax = 255;
constexpr std::size_t kPortDigitsMax = 5;

/// The length of the name at the start of `text`; 0 when there is none or a label is empty.
std::size_t name_length(std::string_view text) {
  for (std::size_t i = 0;; ++i) {
    const std::size_t label = i;
    while (i < text.size() && scan::is_name_char(text[i])) ++i;
    const bool has_dot = i < text.size() && text[i] == '.';
    if (i == label) return has_dot ? 0 : i;
    if (!has_dot) return i;
  }
}

bool is_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> literal{};
  if (text.size() >= literal.size()) return false;
  std::memcpy(literal.data(), text.data(), text.size());
  in6_addr address{};
  return inet_pton(AF_INET6, literal.data(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  if (digits.empty()) return 0;
  if (digits.size() > kPortDigitsMax) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : digits) {
    if (!scan::is_digit(c)) return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, close - 1);
    if (!is_ipv6(out.host)) return std::nullopt;
    rest = text.substr(close + 1);
  } else {
    const std::size_t length = name_length(text);
    if (length == 0 || length > kHostMax) return std::nullopt;
    out.host = text.substr(0, length);
    rest = text.substr(length);
  }
  if (rest.empty()) return out;
  if (rest.front() != ':') return std::nullopt;
  const auto port = parse_port(rest.substr(1));
  if (!port) return std::nullopt;
  out.port = *port;
  return out;
}

}  // namespace holdfast::http
