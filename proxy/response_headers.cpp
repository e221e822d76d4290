#include "proxy/response_headers.h"

#include "base/text.h"

namespace holdfast::proxy {

namespace {

using http::Field;
using http::FieldId;
using Kind = http::Framing::Kind;

constexpr std::uint64_t kResponseRewritten = bit(FieldId::Connection) | bit(FieldId::KeepAlive) |
                                             bit(FieldId::ProxyConnection) | bit(FieldId::TransferEncoding) |
                                             bit(FieldId::ContentLength) | bit(FieldId::Te) | bit(FieldId::Upgrade) |
                                             bit(FieldId::XHoldfast);

constexpr bool may_declare_length(std::uint16_t status) { return status >= 200 && status != 204; }
constexpr bool keeps_upgrade(std::uint16_t status) { return status == 101 || status == 426; }

void append_status_line(HeadWriter& out, const http::ResponseHead& head) {
  if (head.status == 200 && head.reason == "OK") {
    out.add("HTTP/1.1 200 OK\r\n");
    return;
  }
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  // The space stays where the reason is empty (RFC 9112 section 4).
  out.add("HTTP/1.1 ", decimal(head.status, digits), " ", head.reason, "\r\n");
}

bool sets(std::string_view set_cookie, std::string_view name) {
  return base::trim(set_cookie.substr(0, set_cookie.find('='))) == name;
}

// Answers which ids were seen, as bits.
std::uint64_t append_kept_fields(HeadWriter& out, const http::ResponseHead& head, std::string_view own_cookie) {
  std::uint64_t seen = 0;
  LineRun run(out);
  for (const Field& field : head.fields) {
    const std::uint64_t id = bit(field.id);
    seen |= id;
    if ((id & kResponseRewritten) != 0 || field.hop_by_hop) continue;
    if (field.id == FieldId::SetCookie && !own_cookie.empty() && sets(field.value, own_cookie)) continue;
    run.keep(field);
  }
  return seen;
}

void append_framing(HeadWriter& out, const http::ResponseHead& head, Kind kind) {
  if (kind == Kind::Chunked) {
    out.add("Transfer-Encoding: chunked\r\n");
  } else if (kind != Kind::UntilClose && head.has_content_length && may_declare_length(head.status)) {
    append_content_length(out, head.content_length);
  }
}

void append_upgrade(HeadWriter& out, const http::ResponseHead& head) {
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Upgrade) out.add("Upgrade: ", field.value, "\r\n");
  }
}

void append_connection(HeadWriter& out, const http::ResponseHead& head, const ResponseContext& context,
                       bool has_upgrade) {
  const bool closes = head.status != 101 && context.plan.after == After::Close;
  if (has_upgrade) {
    append_upgrade(out, head);
    out.add(std::string_view(closes ? "Connection: Upgrade, close\r\n" : "Connection: Upgrade\r\n"));
  } else if (closes) {
    out.add("Connection: close\r\n");
  } else if (context.client_minor == 0) {
    out.add("Connection: keep-alive\r\n");
  }
}

}  // namespace

ResponsePlan plan_response(const http::ResponseHead& head, std::uint8_t client_minor, After wanted) {
  switch (head.framing.kind) {
    case Kind::None:
    case Kind::Length:
      return {.framing = head.framing.kind, .after = wanted};
    case Kind::Chunked:
    case Kind::UntilClose:
      break;
  }
  if (client_minor >= 1) return {.framing = Kind::Chunked, .after = wanted};
  return {.framing = Kind::UntilClose, .after = After::Close};
}

void append_response_head(std::string& text, const http::ResponseHead& head, const ResponseContext& context) {
  HeadWriter out(text);
  append_status_line(out, head);
  const std::uint64_t seen = append_kept_fields(out, head, context.own_cookie);
  if ((seen & bit(FieldId::Date)) == 0 && !context.date.empty()) out.add("Date: ", context.date, "\r\n");
  if (!context.set_cookie_line.empty()) out.add(context.set_cookie_line);
  append_framing(out, head, context.plan.framing);
  append_connection(out, head, context, keeps_upgrade(head.status) && (seen & bit(FieldId::Upgrade)) != 0);
  out.add("\r\n");
}

void append_interim_head(std::string& text, const http::ResponseHead& head) {
  HeadWriter out(text);
  append_status_line(out, head);
  append_kept_fields(out, head, {});
  out.add("\r\n");
}

}  // namespace holdfast::proxy
