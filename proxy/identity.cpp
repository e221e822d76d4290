#include "proxy/identity.h"

#include <algorithm>

#include "base/text.h"

namespace holdfast::proxy {

namespace {

using http::Field;
using http::FieldId;

// The first cookie of that name with a value, over all Cookie fields; empty when there is none.
std::string_view cookie_value(const http::RequestHead& head, std::string_view name) {
  if (!head.has_cookie) return {};
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Cookie) continue;
    if (const auto value = http::find_cookie(field.value, name); value && !value->empty()) return *value;
  }
  return {};
}

// One cookie is taken as it is: looking whether it is ours costs, and is the map's business.
std::string_view own_cookie(const http::RequestHead& head, std::string_view name, const IsOurs& is_ours) {
  std::string_view first;
  if (!head.has_cookie) return first;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto value = http::find_cookie(rest, name);
      if (!value) break;
      rest.remove_prefix(static_cast<std::size_t>(value->data() + value->size() - rest.data()));
      if (value->empty()) continue;
      if (first.empty()) {
        first = *value;
      } else if (!is_ours || is_ours(first)) {
        return first;
      } else if (is_ours(*value)) {
        return *value;
      }
    }
  }
  return first;
}

bool is_new_each_time(std::string_view credentials) {
  const std::string_view scheme = credentials.substr(0, credentials.find(' '));
  return base::iequals(scheme, "negotiate") || base::iequals(scheme, "ntlm") || base::iequals(scheme, "digest");
}

std::string_view field_value(const http::RequestHead& head, std::string_view name) {
  for (const Field& field : head.fields) {
    if (!base::iequals(field.name, name) || field.value.empty()) continue;
    if (field.id == FieldId::Authorization && is_new_each_time(field.value)) continue;
    return field.value;
  }
  return {};
}

template <class Look>
Identity first_named(const std::vector<std::string>& names, Identity::Kind kind, Look look) {
  for (const std::string& name : names) {
    if (const std::string_view held = look(name); !held.empty()) return {.kind = kind, .held = held, .name = name};
  }
  return {};
}

}  // namespace

Identity identify(const conf::Sticky& sticky, const http::RequestHead& head, std::span<const std::uint8_t, 16> client,
                  const IsOurs& is_ours) {
  switch (sticky.mode) {
    case conf::StickyMode::None:
      return {.stickiness_applies = false};
    case conf::StickyMode::Cookie: {
      const std::string_view held = own_cookie(head, sticky.cookie, is_ours);
      return {.kind = held.empty() ? Identity::Kind::None : Identity::Kind::OwnCookie, .held = held};
    }
    case conf::StickyMode::AppCookie: {
      const Identity by_cookie = first_named(sticky.names, Identity::Kind::AppCookie,
                                             [&](std::string_view name) { return cookie_value(head, name); });
      if (by_cookie.kind != Identity::Kind::None) return by_cookie;
      return first_named(sticky.headers, Identity::Kind::Header,
                         [&](std::string_view name) { return field_value(head, name); });
    }
    case conf::StickyMode::Header:
      return first_named(sticky.names, Identity::Kind::Header,
                         [&](std::string_view name) { return field_value(head, name); });
    case conf::StickyMode::SourceIp:
      return {.kind = Identity::Kind::SourceIp, .held = {reinterpret_cast<const char*>(client.data()), client.size()}};
  }
  return {};
}

ShownTickets shown_tickets(const http::RequestHead& head, std::string_view name) {
  ShownTickets shown;
  shown.has_cookies = head.has_cookie;
  if (!head.has_cookie || name.empty()) return shown;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Cookie) continue;
    std::string_view rest = field.value;
    while (shown.count < shown.texts.size()) {
      const auto value = http::find_cookie(rest, name);
      if (!value) break;
      shown.texts[shown.count++] = *value;
      rest.remove_prefix(static_cast<std::size_t>(value->data() + value->size() - rest.data()));
    }
  }
  return shown;
}

TicketStyle TicketStyle::own(conf::SameSite same_site, bool is_secure) {
  TicketStyle style{.same_site = same_site, .is_secure = is_secure};
  if (same_site == conf::SameSite::None && !is_secure) style.same_site.reset();
  return style;
}

TicketStyle TicketStyle::like(const http::CookieStyle& style) {
  TicketStyle like{.is_secure = style.is_secure, .is_partitioned = style.is_partitioned};
  if (base::iequals(style.same_site, "lax")) like.same_site = conf::SameSite::Lax;
  if (base::iequals(style.same_site, "strict")) like.same_site = conf::SameSite::Strict;
  if (base::iequals(style.same_site, "none")) like.same_site = conf::SameSite::None;
  return like;
}

void append_ticket_cookie(std::string& out, std::string_view name, std::string_view value, const TicketStyle& style) {
  out.append("Set-Cookie: ").append(name).append(1, '=').append(value).append("; Path=/; HttpOnly");
  if (value.empty()) out.append("; Max-Age=0");
  if (style.same_site) {
    switch (*style.same_site) {
      case conf::SameSite::Lax:
        out.append("; SameSite=Lax");
        break;
      case conf::SameSite::Strict:
        out.append("; SameSite=Strict");
        break;
      case conf::SameSite::None:
        out.append("; SameSite=None");
        break;
    }
  }
  if (style.is_secure) out.append("; Secure");
  if (style.is_partitioned) out.append("; Partitioned");
  out.append("\r\n");
}

}  // namespace holdfast::proxy
