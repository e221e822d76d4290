#include "proxy/forward_headers.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "http/cookie.h"
#include "net/address.h"
#include "proxy/trace.h"

namespace holdfast::proxy {

namespace {

using http::Field;
using http::FieldId;

// Always left out: they are written anew, or end here.
constexpr std::uint64_t kRequestRewritten =
    bit(FieldId::Host) | bit(FieldId::Connection) | bit(FieldId::KeepAlive) | bit(FieldId::ProxyConnection) |
    bit(FieldId::TransferEncoding) | bit(FieldId::ContentLength) | bit(FieldId::Te) | bit(FieldId::Upgrade) |
    bit(FieldId::XForwardedFor) | bit(FieldId::XRealIp) | bit(FieldId::XRequestId) | bit(FieldId::XHoldfast);

// Believed from a trusted peer.
constexpr std::uint64_t kPeersWord = bit(FieldId::Forwarded) | bit(FieldId::XForwardedProto) |
                                     bit(FieldId::XForwardedHost) | bit(FieldId::XForwardedPort) |
                                     bit(FieldId::XForwardedScheme) | bit(FieldId::XForwardedServer) |
                                     bit(FieldId::XForwardedPrefix) | bit(FieldId::XForwardedOther);

// What a trusted peer has said, the first value of each.
struct PeersWords {
  std::string_view proto, host, port, scheme;

  void note(const Field& field) {
    std::string_view* const word = field.id == FieldId::XForwardedProto    ? &proto
                                   : field.id == FieldId::XForwardedHost   ? &host
                                   : field.id == FieldId::XForwardedPort   ? &port
                                   : field.id == FieldId::XForwardedScheme ? &scheme
                                                                           : nullptr;
    if (word != nullptr && word->empty()) *word = field.value;
  }
};

// Values of a list come from the client's side first.
std::string_view first_of_list(std::string_view list) { return base::trim(list.substr(0, list.find(','))); }

// The address in "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80".
std::string_view without_port(std::string_view entry) {
  if (entry.starts_with('[')) return entry.substr(1, entry.find(']') - 1);
  const std::size_t colon = entry.find(':');
  const bool is_v4_with_port = colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos;
  return is_v4_with_port ? entry.substr(0, colon) : entry;
}

std::optional<Origin> parse_origin(std::string_view entry) {
  Origin origin{.text = without_port(entry)};
  char text[INET6_ADDRSTRLEN];
  if (origin.text.empty() || origin.text.size() >= sizeof text) return std::nullopt;
  origin.text.copy(text, sizeof text);
  text[origin.text.size()] = '\0';
  if (inet_pton(AF_INET, text, &origin.bytes[12]) == 1) {
    origin.bytes[10] = origin.bytes[11] = 0xff;
    return origin;
  }
  if (inet_pton(AF_INET6, text, origin.bytes.data()) == 1) return origin;
  return std::nullopt;
}

enum class Walk : std::uint8_t { GoOn, Ended };

// From the right through one X-Forwarded-For value; `origin` is the nearest address to believe in so far.
Walk walk_back(std::string_view list, std::span<const conf::Cidr> trusted, Origin& origin) {
  while (true) {
    const std::size_t comma = list.rfind(',');
    const std::string_view entry = base::trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    if (!entry.empty()) {  // RFC 9110 section 5.6.1: empty elements do not count
      const auto parsed = parse_origin(entry);
      if (!parsed) return Walk::Ended;
      origin = *parsed;
      if (trust_of(trusted, origin.bytes) == Trust::Stranger) return Walk::Ended;
    }
    if (comma == std::string_view::npos) return Walk::GoOn;
    list = list.substr(0, comma);
  }
}

std::string_view port_of(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return {};
  return authority.substr(colon + 1);
}

std::string_view default_port(std::string_view proto) {
  return base::iequals(proto, "https") || base::iequals(proto, "wss") ? "443" : "80";
}

/// Of the address the client asked for; where it names none, that of the protocol.
std::string_view port_for(std::string_view authority, std::string_view proto, std::uint16_t listener_port,
                          std::array<char, 20>& digits) {
  if (const std::string_view port = port_of(authority); !port.empty()) return port;
  if (authority.empty()) return decimal(listener_port, digits);
  return default_port(proto);
}

std::string_view name_of(Scheme scheme) { return scheme == Scheme::Https ? "https" : "http"; }

std::string_view scheme_said(const PeersWords& said, const ForwardContext& context) {
  const std::string_view word = first_of_list(said.proto.empty() ? said.scheme : said.proto);
  return word.empty() ? name_of(context.scheme) : word;
}

// What the peer did not say follows from what it did: behind a TLS terminator that sends the scheme alone, the port is
// 443, not ours.
void append_where(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context,
                  const PeersWords& said) {
  const std::string_view proto = scheme_said(said, context);
  const std::string_view authority = said.host.empty() ? head.authority : first_of_list(said.host);
  if (said.proto.empty()) out.add("X-Forwarded-Proto: ", proto, "\r\n");
  if (said.host.empty() && !authority.empty()) out.add("X-Forwarded-Host: ", authority, "\r\n");
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  if (said.port.empty()) {
    out.add("X-Forwarded-Port: ", port_for(authority, proto, context.listener_port, digits), "\r\n");
  }
  if (said.scheme.empty()) out.add("X-Forwarded-Scheme: ", proto, "\r\n");
}

void append_who(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  out.add("X-Forwarded-For: ");
  for (const Field& field : head.fields) {
    if (field.id == FieldId::XForwardedFor && !field.value.empty()) out.add(field.value, ", ");
  }
  out.add(context.peer, "\r\nX-Real-IP: ", origin_of(head, context).text, "\r\n");
}

/// Who asked and where, of a client whose own word for it does not count: append_who and append_where in one.
void append_stranger(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  const std::string_view proto = name_of(context.scheme);
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  // Nearly always a name alone is asked for.
  const bool is_bare = !head.host.empty() && head.host.size() == head.authority.size();
  const std::string_view port =
      is_bare ? default_port(proto) : port_for(head.authority, proto, context.listener_port, digits);
  const std::string_view host_label = head.authority.empty() ? "" : "\r\nX-Forwarded-Host: ";
  out.add("X-Forwarded-For: ", context.peer, "\r\nX-Real-IP: ", context.peer, "\r\nX-Forwarded-Proto: ", proto,
          host_label, head.authority, "\r\nX-Forwarded-Port: ", port, "\r\nX-Forwarded-Scheme: ", proto, "\r\n");
}

// RFC 7239 section 4: our element after those of the trusted peers. Where they send none, the X- fields say it all.
void append_forwarded(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  bool is_first = true;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Forwarded || field.value.empty()) continue;
    out.add(std::string_view(std::exchange(is_first, false) ? "Forwarded: " : ", "), field.value);
  }
  if (is_first) return;
  const bool is_v6 = context.peer.find(':') != std::string_view::npos;
  out.add(std::string_view(is_v6 ? ", for=\"[" : ", for="), context.peer, std::string_view(is_v6 ? "]\"" : ""));
  out.add(";proto=", name_of(context.scheme), "\r\n");
}

void append_request_line(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  out.add(head.method_text, " ", head.path, head.query,
          " HTTP/1.1\r\nHost: ", head.authority.empty() ? context.unnamed_host : head.authority, "\r\n");
}

void append_cookie(HeadWriter& out, LineRun& run, const Field& field, std::string_view own_cookie) {
  if (own_cookie.empty()) return run.keep(field);
  http::OtherCookies others(field.value, own_cookie);
  if (!others.is_changed()) return run.keep(field);
  run.flush();
  const std::size_t before = out.size();
  out.add(field.name, ": ");
  for (std::string_view piece; others.next(piece);) out.add(piece);
  if (others.has_content()) {
    out.add("\r\n");
  } else {
    out.cut(before);
  }
}

PeersWords append_kept_fields(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  PeersWords said;
  LineRun run(out);
  for (const Field& field : head.fields) {
    const std::uint64_t id = bit(field.id);
    if ((id & kRequestRewritten) != 0) continue;
    if ((id & kPeersWord) != 0) {
      if (context.trust == Trust::Stranger || field.value.empty() || field.id == FieldId::Forwarded) continue;
      said.note(field);
    } else if (field.hop_by_hop || (field.id == FieldId::Expect && head.minor == 0)) {
      continue;
    } else if (field.id == FieldId::Cookie) {
      append_cookie(out, run, field, context.own_cookie);
      continue;
    }
    run.keep(field);
  }
  return said;
}

void append_framing(HeadWriter& out, const http::RequestHead& head) {
  if (head.framing.kind == http::Framing::Kind::Chunked) {
    out.add("Transfer-Encoding: chunked\r\n");
  } else if (head.has_content_length) {
    append_content_length(out, head.framing.length);
  }
}

// What the request is called: in the app's log, in ours, and in a trace. Most requests bring nothing that matters here.
TextRange append_names(HeadWriter& out, const http::RequestHead& head, const ForwardContext& context) {
  std::string_view id = context.request_id;
  bool is_traced = context.traceparent.empty();
  if (context.trust == Trust::Trusted || !is_traced) {
    for (const Field& field : head.fields) {
      if (field.id == FieldId::Traceparent) is_traced = true;
      const bool is_named = field.id == FieldId::XRequestId && context.trust == Trust::Trusted;
      if (is_named && is_request_id(field.value)) id = field.value;
    }
  }
  if (!is_traced) out.add("traceparent: ", context.traceparent, "\r\n");
  if (id.empty()) return {};
  out.add("X-Request-Id: ", id, "\r\n");
  return {out.size() - kLineEnd.size() - id.size(), id.size()};
}

void append_upgrade(HeadWriter& out, const http::RequestHead& head) {
  out.add("Connection: Upgrade\r\n");
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Upgrade) out.add("Upgrade: ", field.value, "\r\n");
  }
}

}  // namespace

Trust trust_of(std::span<const conf::Cidr> trusted_proxies, const AddressBytes& peer) {
  const bool is_trusted = std::any_of(trusted_proxies.begin(), trusted_proxies.end(),
                                      [&](const conf::Cidr& range) { return net::contains(range, peer); });
  return is_trusted ? Trust::Trusted : Trust::Stranger;
}

void append_moved_note(std::string& head, std::string_view from, std::string_view reason) {
  head.resize(head.size() - kLineEnd.size());
  head.append("X-Holdfast-Moved: from=").append(from).append("; reason=").append(reason);
  head.append(kLineEnd).append(kLineEnd);
}

std::string_view scheme_of(const http::RequestHead& head, const ForwardContext& context) {
  if (context.trust == Trust::Stranger) return name_of(context.scheme);
  PeersWords said;
  for (const Field& field : head.fields) said.note(field);
  return scheme_said(said, context);
}

Origin origin_of(const http::RequestHead& head, const ForwardContext& context) {
  Origin origin{.text = context.peer, .bytes = context.peer_bytes};
  if (context.trust == Trust::Stranger) return origin;
  bool has_chain = false;
  std::string_view real_ip;
  for (std::size_t i = head.fields.size(); i-- > 0;) {
    const Field& field = head.fields[i];
    if (field.id == FieldId::XRealIp) real_ip = field.value;
    if (field.id != FieldId::XForwardedFor || field.value.empty()) continue;
    has_chain = true;
    if (walk_back(field.value, context.trusted_proxies, origin) == Walk::Ended) return origin;
  }
  return has_chain ? origin : parse_origin(real_ip).value_or(origin);
}

TextRange append_request_head(std::string& text, const http::RequestHead& head, const ForwardContext& context) {
  HeadWriter out(text);
  append_request_line(out, head, context);
  const PeersWords said = append_kept_fields(out, head, context);
  if (context.trust == Trust::Stranger) {
    append_stranger(out, head, context);
  } else {
    append_who(out, head, context);
    append_forwarded(out, head, context);
    append_where(out, head, context, said);
  }
  const TextRange id = append_names(out, head, context);
  append_framing(out, head);
  if (head.wants_upgrade) append_upgrade(out, head);
  out.add("\r\n");
  return id;
}

}  // namespace holdfast::proxy
