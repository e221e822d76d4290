#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

/// The heads of HTTP/1 messages as views into the bytes they were parsed from: valid as long as those bytes stay.
namespace holdfast::http {

enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Options, Patch, Trace, Connect, Other };

/// RFC 9110 section 9.2.1 without TRACE: what may be sent again when no byte of a response has come.
constexpr bool is_safe(Method method) {
  return method == Method::Get || method == Method::Head || method == Method::Options;
}

/// Field names the proxy looks at. Everything else is Other and passes through.
enum class FieldId : std::uint8_t {
  Other,
  Host,
  Connection,
  KeepAlive,
  ProxyConnection,
  TransferEncoding,
  ContentLength,
  Te,
  Trailer,
  Upgrade,
  Expect,
  Cookie,
  SetCookie,
  Authorization,
  WwwAuthenticate,
  ProxyAuthorization,
  ProxyAuthenticate,
  ProxyAuthenticationInfo,
  Forwarded,
  XForwardedFor,
  XForwardedProto,
  XForwardedHost,
  XForwardedPort,
  XForwardedScheme,
  XForwardedServer,
  XForwardedPrefix,
  XForwardedOther,  ///< X-Forwarded, or any other name that begins with "X-Forwarded-".
  XRealIp,
  XHoldfast,  ///< Any name that begins with "X-Holdfast-": ours, never taken from outside.
  Accept,
  Date,
  Location,
  Server,
  UserAgent,
  Proxy,  ///< Not a field of HTTP: CGI-style apps would take it for HTTP_PROXY. Always hop_by_hop.
  XRequestId,
  Traceparent,    ///< W3C Trace Context.
  Http2Settings,  ///< Of the abandoned h2c upgrade. Always hop_by_hop.
};

struct Field {
  std::string_view name;   ///< As sent.
  std::string_view value;  ///< Without surrounding white space; may be empty.
  FieldId id = FieldId::Other;
  bool hop_by_hop = false;  ///< Not to be passed on: belongs to this connection only (RFC 9110 section 7.6.1; a fixed
                            ///< set, or listed in Connection), or could be taken for a field that we vouch for.
};

/// How the end of a body is known (RFC 9112 section 6.3).
struct Framing {
  enum class Kind : std::uint8_t { None, Length, Chunked, UntilClose };
  Kind kind = Kind::None;
  std::uint64_t length = 0;  ///< With Length: bytes; never 0 (that is None, with has_content_length set).
};

struct RequestHead {
  Method method = Method::Other;
  std::string_view method_text;
  std::string_view target;     ///< As sent.
  std::string_view path;       ///< Begins with '/', or is "*" (OPTIONS *). Without the query. With the query it is
                               ///< the target to forward, also for the absolute-form (RFC 9112 section 3.2.1).
  std::string_view query;      ///< With its '?', or empty.
  std::string_view authority;  ///< Host and port as the client named them (absolute-form wins over Host; RFC
                               ///< 9112 3.2.2). Empty only for HTTP/1.0 without Host.
  std::string_view host;       ///< authority without the port and without brackets; not lower-cased.
  std::uint8_t minor = 1;      ///< HTTP/1.minor
  std::vector<Field> fields;   ///< In order. Capacity is kept between uses: no allocation in steady state.
  Framing framing;
  bool has_content_length = false;
  bool keep_alive = true;         ///< What the client asked for: HTTP/1.1 default, Connection: close / keep-alive.
  bool expects_continue = false;  ///< And there is a body to wait for.
  bool wants_upgrade = false;  ///< Connection: upgrade and an Upgrade field (HTTP/1.1 only), but never to h2c, HTTP/x
                               ///< or TLS/x: tunnelled, they would carry requests past every rule of ours.
  bool has_cookie = false;
  bool has_authorization = false;
  bool path_is_plain = false;  ///< is_plain_path(path), where that was asked already.
};

struct ResponseHead {
  std::uint16_t status = 0;  ///< 100..999 (560 is a real app's)
  std::string_view reason;   ///< May be empty.
  std::uint8_t minor = 1;
  std::vector<Field> fields;
  Framing framing;  ///< As it follows from status, fields and the request's method.
  bool has_content_length = false;
  std::uint64_t content_length = 0;  ///< As declared, also where there is no body (HEAD, 304).
  bool keep_alive = true;            ///< May the backend connection be used again after this response?
  bool has_set_cookie = false;
  bool has_challenge = false;  ///< WWW-Authenticate.
  bool has_holdfast = false;   ///< A word to us: X-Holdfast-*.
};

}  // namespace holdfast::http
