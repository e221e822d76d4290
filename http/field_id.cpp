#include "http/field_id.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/text.h"

namespace holdfast::http {

namespace {

std::uint64_t load64(const char* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}
std::uint32_t load32(const char* p) {
  std::uint32_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

constexpr std::uint64_t kFold64 = 0x2020202020202020u;
constexpr std::uint32_t kFold32 = 0x20202020u;

/// `name` has exactly the length of `lower`, which is letters and dashes only. Setting bit 5 of every byte folds case;
/// it would also take 0x0d for '-', but a token holds no control character. The last word overlaps the one before it.
template <std::size_t kSize>
bool is(const char* name, const char (&lower)[kSize]) {
  constexpr std::size_t kLength = kSize - 1;
  if constexpr (kLength >= 8) {
    for (std::size_t i = 0; i + 8 <= kLength; i += 8) {
      if ((load64(name + i) | kFold64) != (load64(lower + i) | kFold64)) return false;
    }
    return (load64(name + kLength - 8) | kFold64) == (load64(lower + kLength - 8) | kFold64);
  } else if constexpr (kLength >= 4) {
    return (load32(name) | kFold32) == (load32(lower) | kFold32) &&
           (load32(name + kLength - 4) | kFold32) == (load32(lower + kLength - 4) | kFold32);
  } else {
    for (std::size_t i = 0; i < kLength; ++i) {
      if ((name[i] | 0x20) != lower[i]) return false;
    }
    return true;
  }
}

/// Names that are a family: whatever begins so.
FieldId family_id(std::string_view name) {
  if (name.size() >= 11 && (name[0] | 0x20) == 'x') {
    if (is(name.data(), "x-holdfast-")) return FieldId::XHoldfast;
    const bool whole = name.size() == 11 || name[11] == '-';
    if (whole && is(name.data(), "x-forwarded")) return FieldId::XForwardedOther;
  }
  return FieldId::Other;
}

bool is_any_of(std::string_view name, std::span<const std::string_view> names) {
  for (const std::string_view each : names) {
    if (base::iequals(name, each)) return true;
  }
  return false;
}

}  // namespace

FieldId field_id(std::string_view name) {
  const char* n = name.data();
  switch (name.size()) {
    case 2:
      return is(n, "te") ? FieldId::Te : FieldId::Other;
    case 4:
      if (is(n, "host")) return FieldId::Host;
      return is(n, "date") ? FieldId::Date : FieldId::Other;
    case 5:
      return is(n, "proxy") ? FieldId::Proxy : FieldId::Other;
    case 6:
      if (is(n, "accept")) return FieldId::Accept;
      if (is(n, "cookie")) return FieldId::Cookie;
      if (is(n, "server")) return FieldId::Server;
      return is(n, "expect") ? FieldId::Expect : FieldId::Other;
    case 7:
      if (is(n, "upgrade")) return FieldId::Upgrade;
      return is(n, "trailer") ? FieldId::Trailer : FieldId::Other;
    case 8:
      return is(n, "location") ? FieldId::Location : FieldId::Other;
    case 9:
      if (is(n, "forwarded")) return FieldId::Forwarded;
      return is(n, "x-real-ip") ? FieldId::XRealIp : FieldId::Other;
    case 10:
      if (is(n, "connection")) return FieldId::Connection;
      if (is(n, "user-agent")) return FieldId::UserAgent;
      if (is(n, "set-cookie")) return FieldId::SetCookie;
      return is(n, "keep-alive") ? FieldId::KeepAlive : FieldId::Other;
    case 11:
      return is(n, "traceparent") ? FieldId::Traceparent : family_id(name);
    case 12:
      return is(n, "x-request-id") ? FieldId::XRequestId : family_id(name);
    case 13:
      return is(n, "authorization") ? FieldId::Authorization : family_id(name);
    case 14:
      if (is(n, "content-length")) return FieldId::ContentLength;
      return is(n, "http2-settings") ? FieldId::Http2Settings : family_id(name);
    case 15:
      return is(n, "x-forwarded-for") ? FieldId::XForwardedFor : family_id(name);
    case 16:
      if (is(n, "x-forwarded-host")) return FieldId::XForwardedHost;
      if (is(n, "x-forwarded-port")) return FieldId::XForwardedPort;
      if (is(n, "www-authenticate")) return FieldId::WwwAuthenticate;
      return is(n, "proxy-connection") ? FieldId::ProxyConnection : family_id(name);
    case 17:
      if (is(n, "transfer-encoding")) return FieldId::TransferEncoding;
      return is(n, "x-forwarded-proto") ? FieldId::XForwardedProto : family_id(name);
    case 18:
      if (is(n, "x-forwarded-scheme")) return FieldId::XForwardedScheme;
      if (is(n, "x-forwarded-server")) return FieldId::XForwardedServer;
      if (is(n, "x-forwarded-prefix")) return FieldId::XForwardedPrefix;
      return is(n, "proxy-authenticate") ? FieldId::ProxyAuthenticate : family_id(name);
    case 19:
      return is(n, "proxy-authorization") ? FieldId::ProxyAuthorization : family_id(name);
    case 25:
      return is(n, "proxy-authentication-info") ? FieldId::ProxyAuthenticationInfo : family_id(name);
    default:
      return family_id(name);
  }
}

FieldId lookalike_id(std::string_view name) {
  if (name.find('_') == std::string_view::npos) return FieldId::Other;
  // Only the beginning matters for families, and no single known name is longer than this.
  std::array<char, 32> dashed{};
  const std::size_t size = std::min(name.size(), dashed.size());
  for (std::size_t i = 0; i < size; ++i) dashed[i] = name[i] == '_' ? '-' : name[i];
  return field_id({dashed.data(), size});
}

bool may_be_trailer(std::string_view name, FieldId id) {
  if (id == FieldId::Other && lookalike_id(name) != FieldId::Other) return false;
  if (id != FieldId::Other) return id == FieldId::Date || id == FieldId::Server || id == FieldId::UserAgent;
  static constexpr std::string_view kRefused[] = {"Content-Encoding",
                                                  "Content-Type",
                                                  "Content-Range",
                                                  "Content-Location",
                                                  "Content-Disposition",
                                                  "Cache-Control",
                                                  "Pragma",
                                                  "Age",
                                                  "Expires",
                                                  "Vary",
                                                  "Warning",
                                                  "Retry-After",
                                                  "Max-Forwards",
                                                  "Range",
                                                  "If-Match",
                                                  "If-None-Match",
                                                  "If-Modified-Since",
                                                  "If-Unmodified-Since",
                                                  "If-Range",
                                                  "Authentication-Info",
                                                  "Origin",
                                                  "Status"};
  return !is_any_of(name, kRefused);
}

bool is_end_to_end(std::string_view name, FieldId id) {
  if (id != FieldId::Other) return !is_hop_by_hop(id) && id != FieldId::Trailer;
  static constexpr std::string_view kKept[] = {"Content-Type",
                                               "Content-Encoding",
                                               "Content-Range",
                                               "Content-Disposition",
                                               "Content-Security-Policy",
                                               "Cache-Control",
                                               "Pragma",
                                               "Vary",
                                               "ETag",
                                               "Expires",
                                               "Range",
                                               "If-Match",
                                               "If-None-Match",
                                               "If-Modified-Since",
                                               "If-Unmodified-Since",
                                               "If-Range",
                                               "Origin",
                                               "Referer",
                                               "X-Authentication",
                                               "X-CSRF-Token",
                                               "X-Requested-With",
                                               "Via",
                                               "X-Content-Type-Options",
                                               "X-Frame-Options",
                                               "Strict-Transport-Security",
                                               "Access-Control-Allow-Origin"};
  return is_any_of(name, kKept);
}

}  // namespace holdfast::http
