#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"
#include "proxy/head_text.h"

namespace holdfast::proxy {

/// How a response goes to the client.
struct ResponsePlan {
  http::Framing::Kind framing = http::Framing::Kind::None;  ///< Chunked: we chunk. UntilClose: we end by closing.
  After after = After::KeepAlive;
};

/// Decides framing and what becomes of the client's connection (RFC 9112 sections 6 and 9.3). A length stays a length;
/// a body of unknown length is chunked for HTTP/1.1 and ends with the connection for HTTP/1.0. `wanted` is what client
/// and proxy would do if the framing lets them. For a 101 `after` means nothing: the connection becomes a tunnel.
ResponsePlan plan_response(const http::ResponseHead& head, std::uint8_t client_minor, After wanted);

struct ResponseContext {
  ResponsePlan plan = {};
  std::uint8_t client_minor = 1;
  std::string_view set_cookie_line = {};  ///< Made by append_ticket_cookie: with its line end. Empty: none.
  std::string_view own_cookie = {};       ///< Its name: an app that sets it would break its own stickiness.
  std::string_view date =
      {};  ///< IMF-fixdate of now, for a response that has no Date (RFC 9110 section 6.6.1). Empty: none.
};

/// Appends the head the client gets: the backend's status, reason and end-to-end fields in their order, our cookie, and
/// the framing of the plan. Ends with the empty line. Hop-by-hop fields, X-Holdfast-* (words of the app to us)
/// and a cookie of our own name are left out; 101 and 426 keep Upgrade. A 204 loses a Content-Length (RFC 9110
/// section 8.6 forbids it); HEAD and 304 keep theirs as declared. `head` is one made by http::parse_response_head.
void append_response_head(std::string& out, const http::ResponseHead& head, const ResponseContext& context);

/// The same for an interim response (100, 102, 103; not 101), which has no framing. Not for HTTP/1.0 clients (RFC 9110
/// section 15.2): there the caller drops it.
void append_interim_head(std::string& out, const http::ResponseHead& head);

}  // namespace holdfast::proxy
