#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "conf/settings.h"
#include "http/cookie.h"
#include "http/head.h"

namespace holdfast::proxy {

/// What a request shows to be known again by.
struct Identity {
  enum class Kind : std::uint8_t {
    None,       ///< Nothing (yet).
    OwnCookie,  ///< Our cookie's value, not yet opened: perhaps forged.
    AppCookie,  ///< The app's session id.
    Header,     ///< A field's whole value.
    SourceIp,   ///< The sixteen bytes of the address.
  };
  Kind kind = Kind::None;
  std::string_view held = {};      ///< Points into the head or at the address.
  std::string_view name = {};      ///< Of the app cookie or header; points into the settings.
  bool stickiness_applies = true;  ///< false: the pool, or the route, binds nobody.
};

/// Has this value of our cookie been made with our keys?
using IsOurs = std::function<bool(std::string_view)>;

/// Who is this? The first of `sticky.names` that the request carries, for app cookies and headers. Empty values are
/// nobody's. Credentials that are new with every request (NTLM, Negotiate, Digest: RFC 4559, RFC 7616) name nobody.
/// `client` is the address stickiness by source goes by (origin_of); it outlives the response.
///
/// Where there are several cookies of our name (a neighbour domain may have set one), the first that `is_ours` wins.
Identity identify(const conf::Sticky& sticky, const http::RequestHead& head, std::span<const std::uint8_t, 16> client,
                  const IsOurs& is_ours = {});

/// What stickiness did for a request: the words of the access log and of metrics.
enum class Stickiness : std::uint8_t {
  None,       ///< It does not apply, or the request shows nothing to be known by.
  New,        ///< A new session was bound.
  Kept,       ///< The session's own backend serves it.
  Moved,      ///< The session was bound to another backend.
  Temporary,  ///< Another backend serves it, the binding stays.
  Learned,    ///< The app has set its session cookie in this response.
  Unknown,    ///< An app's session we had no binding for: bound now.
  Forged,     ///< Our cookie was not ours: a new session.
  Expired,    ///< Our cookie was too old: a new session.
};

constexpr std::string_view name_of(Stickiness word) {
  switch (word) {
    case Stickiness::None:
      return "none";
    case Stickiness::New:
      return "new";
    case Stickiness::Kept:
      return "kept";
    case Stickiness::Moved:
      return "moved";
    case Stickiness::Temporary:
      return "temporary";
    case Stickiness::Learned:
      return "learned";
    case Stickiness::Unknown:
      return "unknown";
    case Stickiness::Forged:
      return "forged";
    case Stickiness::Expired:
      return "expired";
  }
  return "none";
}

/// What a response says about the app's own session. Views into the response's head.
struct AppSession {
  enum class Event : std::uint8_t { Set, Ended };
  Event event = Event::Set;
  std::string_view name = {};   ///< Of the cookie.
  std::string_view value = {};  ///< May be empty with Ended: the session is the one the request showed.
  std::string_view field = {};  ///< The whole Set-Cookie field's value.
};

/// Calls `visit(const AppSession&)` for each Set-Cookie of one of the listed app cookies, in the response's order.
/// Setting an empty value ends the session, too. Only in mode app_cookie.
template <class Visit>
void learn(const conf::Sticky& sticky, const http::ResponseHead& head, long long now_unix, Visit&& visit) {
  if (!head.has_set_cookie || sticky.mode != conf::StickyMode::AppCookie) return;
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldId::SetCookie) continue;
    const auto cookie = http::parse_set_cookie(field.value, now_unix);
    if (!cookie) continue;
    for (const std::string& name : sticky.names) {
      if (cookie->name != name) continue;
      const bool ends = cookie->expires_now || cookie->value.empty();
      visit(AppSession{ends ? AppSession::Event::Ended : AppSession::Event::Set, cookie->name, cookie->value,
                       field.value});
      break;
    }
  }
}

/// The texts under the name of our ticket that a request shows, at most four; a neighbour domain may have set some.
struct ShownTickets {
  std::span<const std::string_view> all() const { return std::span(texts).first(count); }

  std::array<std::string_view, 4> texts;
  std::size_t count = 0;
  bool has_cookies = false;  ///< Of any name.
};
ShownTickets shown_tickets(const http::RequestHead& head, std::string_view name);

/// How a cookie of ours may be sent. Each line is for every path, hidden from scripts, gone with the browser session
/// (RFC 6265bis).
struct TicketStyle {
  /// Our own choice. Browsers refuse SameSite=None without Secure: on a plain connection that attribute is left out.
  static TicketStyle own(conf::SameSite same_site, bool is_secure);
  /// As the app's own cookie.
  static TicketStyle like(const http::CookieStyle& style);

  std::optional<conf::SameSite> same_site{};
  bool is_secure = false;
  bool is_partitioned = false;
};

/// Appends a whole Set-Cookie line for our ticket, or, with an empty value, one that ends it.
void append_ticket_cookie(std::string& out, std::string_view name, std::string_view value, const TicketStyle& style);

}  // namespace holdfast::proxy
