#pragma once

#include <string_view>

#include "http/head.h"

namespace holdfast::http {

/// Which known field `name` is, without regard to case. `name` is a token (RFC 9110 section 5.6.2) already: the
/// comparison relies on it.
FieldId field_id(std::string_view name);

/// Fields that belong to one connection whatever Connection says (RFC 9110 section 7.6.1), and three kinds more:
/// proxy credentials, HTTP2-Settings (RFC 7540 section 3.2.1, gone with RFC 9113), and Proxy, which CGI-style apps take
/// for the environment's HTTP_PROXY. Trailer is not among them: RFC 9110 lets it pass, and so do the trailers
/// themselves.
constexpr bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::Connection:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::TransferEncoding:
    case FieldId::Te:
    case FieldId::Upgrade:
    case FieldId::ProxyAuthorization:
    case FieldId::ProxyAuthenticate:
    case FieldId::ProxyAuthenticationInfo:
    case FieldId::Proxy:
    case FieldId::Http2Settings:
      return true;
    default:
      return false;
  }
}

/// Apps behind CGI, WSGI or Rack read "X_Forwarded_For" as "X-Forwarded-For". The id that `name` has with its
/// underscores read as dashes; Other where it has no underscore or looks like no known field.
FieldId lookalike_id(std::string_view name);

/// Fields by which proxies tell an app who the client is: from strangers they are worth nothing.
constexpr bool is_vouched_for(FieldId id) {
  return (id >= FieldId::Forwarded && id <= FieldId::XForwardedOther) || id == FieldId::XRealIp ||
         id == FieldId::XRequestId || id == FieldId::XHoldfast;
}
static_assert(is_vouched_for(FieldId::XForwardedPrefix) && !is_vouched_for(FieldId::Accept));

/// May a trailer field of this name be passed on (RFC 9110 section 6.5.1)? Not if it frames, routes, authenticates,
/// steers caches or says how to read the content.
bool may_be_trailer(std::string_view name, FieldId id);

/// Fields whose loss would change what a message means or who it is from: naming them in Connection does not make them
/// hop-by-hop (see read_connection).
bool is_end_to_end(std::string_view name, FieldId id);

}  // namespace holdfast::http
