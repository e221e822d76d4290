#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "conf/settings.h"
#include "http/head.h"
#include "proxy/head_text.h"

namespace holdfast::proxy {

/// What the peer of a client connection is to us.
enum class Trust : std::uint8_t {
  Stranger,  ///< What it says about where a request came from is dropped.
  Trusted,   ///< In trusted_proxies of its listener: its X-Forwarded-* and Forwarded are kept and extended.
};

/// An address as sixteen bytes, IPv4 in its mapped form.
using AddressBytes = std::array<std::uint8_t, 16>;

Trust trust_of(std::span<const conf::Cidr> trusted_proxies, const AddressBytes& peer);

/// What a request's head needs to know of the connection it came by. Views and spans outlive the calls made with it.
struct ForwardContext {
  /// Address of the connection's other end: no port, no brackets.
  std::string_view peer = {};
  AddressBytes peer_bytes{};
  Trust trust = Trust::Stranger;
  /// For the walk along X-Forwarded-For.
  std::span<const conf::Cidr> trusted_proxies = {};
  Scheme scheme = Scheme::Http;
  std::uint16_t listener_port = 0;
  /// Name of our sticky cookie, which the app never sees. Empty: cookies pass whole.
  std::string_view own_cookie = {};
  /// The id of a request that brings none we believe; empty: it gets none.
  std::string_view request_id = {};
  /// Of a request without one; empty: it gets none.
  std::string_view traceparent = {};
  /// Host for a request that names none (HTTP/1.0). May be empty (RFC 9112 section 3.2).
  std::string_view unnamed_host = {};
};

/// Where a text is within another one.
struct TextRange {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// Appends the head a backend gets for `head`: request line in origin-form and HTTP/1.1, Host, the end-to-end fields as
/// they came and in their order, then what we say about the client, then the framing. Ends with the empty line.
///
/// Left out: hop-by-hop fields (RFC 9110 section 7.6.1; the parser marks spellings like X_Forwarded_For so, too),
/// X-Holdfast-*, a stranger's X-Forwarded-*, X-Real-IP and Forwarded. TE goes with the hop-by-hop fields: trailers are
/// relayed whether asked for or not. `Expect: 100-continue` stays (RFC 9110 section 10.1.1) and the backend's 100 is
/// relayed, but an HTTP/1.0 client cannot mean it. X-Request-Id is kept from a trusted peer if it is plain text, else
/// ours; a traceparent passes whoever sends it. No Via: the application must not answer differently because of us,
/// and loops are the configuration's to avoid.
///
/// X-Forwarded-Port is the port the client used: the one in its Host, else the default of its scheme; the listener's
/// only when there was no Host. `head` is one made by http::parse_request_head.
///
/// Answers where the request's id is within `out`.
TextRange append_request_head(std::string& out, const http::RequestHead& head, const ForwardContext& context);

/// Adds to a head made by append_request_head that the session was moved: "X-Holdfast-Moved: from=app1; reason=down".
void append_moved_note(std::string& head, std::string_view from, std::string_view reason);

/// "http" or "https": what the client speaks, as far as we or a trusted peer know. Inside the head, or static.
std::string_view scheme_of(const http::RequestHead& head, const ForwardContext& context);

/// Where a request really came from.
struct Origin {
  std::string_view text = {};  ///< Inside the head or the context.
  AddressBytes bytes{};
};

/// The peer, or, when the peer is trusted, the first address from the right of X-Forwarded-For that is not: what lies
/// further left is hearsay. An entry that is no address ends the walk. A trusted peer that sends X-Real-IP only is
/// believed too.
Origin origin_of(const http::RequestHead& head, const ForwardContext& context);

}  // namespace holdfast::proxy
