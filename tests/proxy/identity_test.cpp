#include "proxy/identity.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tests/proxy/parsed.h"

using namespace holdfast;
using conf::SameSite;
using conf::StickyMode;
using proxy::AppSession;
using proxy::Identity;
using proxy::TicketStyle;
using proxy::test::Request;
using proxy::test::Response;
using Kind = Identity::Kind;

namespace {

constexpr std::array<std::uint8_t, 16> kClient = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
constexpr long long kNow = 1'769'860'800;

// "set name=value; end name=value; ..." for what a response says.
std::string learned(const conf::Sticky& sticky, const char* lines) {
  const Response response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + std::string(lines));
  std::string out;
  proxy::learn(sticky, response.head, kNow, [&](const AppSession& session) {
    out += session.event == AppSession::Event::Set ? "set " : "end ";
    out.append(session.name).append("=").append(session.value).append("; ");
  });
  return out;
}

std::string ticket_line(const TicketStyle& style, std::string_view value = "v") {
  std::string out;
  proxy::append_ticket_cookie(out, "holdfast", value, style);
  return out;
}

}  // namespace

TEST_CASE("who is this?") {
  struct Row {
    const char* why;
    StickyMode mode;
    std::vector<std::string> names;
    const char* lines;
    Kind kind;
    const char* held;
  };
  const Row rows[] = {
      {"no stickiness", StickyMode::None, {}, "Cookie: holdfast=1\r\n", Kind::None, ""},
      {"our cookie", StickyMode::Cookie, {}, "Cookie: a=1; holdfast=abc\r\n", Kind::OwnCookie, "abc"},
      {"our cookie in a second field",
       StickyMode::Cookie,
       {},
       "Cookie: a=1\r\nCookie: holdfast=abc\r\n",
       Kind::OwnCookie,
       "abc"},
      {"no cookie", StickyMode::Cookie, {}, "", Kind::None, ""},
      {"an empty one", StickyMode::Cookie, {}, "Cookie: holdfast=\r\n", Kind::None, ""},
      {"names are whole", StickyMode::Cookie, {}, "Cookie: xholdfast=1; holdfastx=2\r\n", Kind::None, ""},
      {"the app's",
       StickyMode::AppCookie,
       {"JSESSIONID"},
       "Cookie: JSESSIONID=s1.node1\r\n",
       Kind::AppCookie,
       "s1.node1"},
      {"the first listed wins, not the first sent",
       StickyMode::AppCookie,
       {"__Host-XASSESSIONID", "XASSESSIONID"},
       "Cookie: XASSESSIONID=old; __Host-XASSESSIONID=new\r\n",
       Kind::AppCookie,
       "new"},
      {"the second, if the first is empty",
       StickyMode::AppCookie,
       {"a", "b"},
       "Cookie: a=; b=2\r\n",
       Kind::AppCookie,
       "2"},
      {"cookie names have cases", StickyMode::AppCookie, {"sid"}, "Cookie: SID=1\r\n", Kind::None, ""},
      {"our cookie is not the app's", StickyMode::AppCookie, {"sid"}, "Cookie: holdfast=1\r\n", Kind::None, ""},
      {"an empty one hides no other",
       StickyMode::AppCookie,
       {"a"},
       "Cookie: a=\r\nCookie: a=2\r\n",
       Kind::AppCookie,
       "2"},
      {"an empty header hides no other", StickyMode::Header, {"X-A"}, "X-A:\r\nX-A: 2\r\n", Kind::Header, "2"},
      {"a header", StickyMode::Header, {"X-Authentication"}, "x-authentication: tok en\r\n", Kind::Header, "tok en"},
      {"the second header",
       StickyMode::Header,
       {"X-Authentication", "Authorization"},
       "Authorization: Bearer t\r\n",
       Kind::Header,
       "Bearer t"},
      {"no header", StickyMode::Header, {"X-Authentication"}, "Authorization: Bearer t\r\n", Kind::None, ""},
      {"NTLM is new each time", StickyMode::Header, {"Authorization"}, "Authorization: NTLM TlRM\r\n", Kind::None, ""},
      {"Negotiate too", StickyMode::Header, {"Authorization"}, "Authorization: negotiate YII\r\n", Kind::None, ""},
      {"Digest too", StickyMode::Header, {"Authorization"}, "Authorization: Digest nc=1\r\n", Kind::None, ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Request request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(row.lines));
    const Identity who = proxy::identify({.mode = row.mode, .names = row.names, .headers = {}}, request.head, kClient);
    CHECK(who.kind == row.kind);
    CHECK(who.held == row.held);
    CHECK(who.stickiness_applies == (row.mode != StickyMode::None));
  }
}

TEST_CASE("by source address: all sixteen bytes") {
  const Request request("GET / HTTP/1.1\r\nHost: a\r\n");
  const Identity who =
      proxy::identify({.mode = StickyMode::SourceIp, .names = {}, .headers = {}}, request.head, kClient);
  CHECK(who.kind == Kind::SourceIp);
  CHECK(who.held == std::string_view(reinterpret_cast<const char*>(kClient.data()), 16));
}

TEST_CASE("what the app says of its session") {
  const conf::Sticky sticky{.mode = StickyMode::AppCookie, .names = {"sid", "sid2"}, .headers = {}};
  struct Row {
    const char* why;
    const char* lines;
    const char* want;
  };
  const Row rows[] = {
      {"set", "Set-Cookie: sid=abc; Path=/; HttpOnly\r\n", "set sid=abc; "},
      {"others do not matter", "Set-Cookie: theme=dark\r\nSet-Cookie: sid=abc\r\n", "set sid=abc; "},
      {"either name", "Set-Cookie: sid2=x\r\nSet-Cookie: sid=y\r\n", "set sid2=x; set sid=y; "},
      {"ended by Max-Age", "Set-Cookie: sid=gone; Max-Age=0\r\n", "end sid=gone; "},
      {"ended by Expires", "Set-Cookie: sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n", "end sid=; "},
      {"an empty value is no session", "Set-Cookie: sid=\r\n", "end sid=; "},
      {"renewed", "Set-Cookie: sid=old; Max-Age=0\r\nSet-Cookie: sid=new\r\n", "end sid=old; set sid=new; "},
      {"nothing set", "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(learned(sticky, row.lines) == row.want);
  }
  CHECK(learned({.mode = StickyMode::Cookie, .names = {"sid"}, .headers = {}}, "Set-Cookie: sid=abc\r\n").empty());
}

TEST_CASE("our cookie hides from scripts and dies with the browser") {
  const auto own = [](SameSite same_site, bool is_secure) {
    return ticket_line(TicketStyle::own(same_site, is_secure));
  };
  CHECK(own(SameSite::Lax, false) == "Set-Cookie: holdfast=v; Path=/; HttpOnly; SameSite=Lax\r\n");
  CHECK(own(SameSite::Lax, true) == "Set-Cookie: holdfast=v; Path=/; HttpOnly; SameSite=Lax; Secure\r\n");
  CHECK(own(SameSite::Strict, false) == "Set-Cookie: holdfast=v; Path=/; HttpOnly; SameSite=Strict\r\n");
  CHECK(own(SameSite::None, true) == "Set-Cookie: holdfast=v; Path=/; HttpOnly; SameSite=None; Secure\r\n");
  CHECK(own(SameSite::None, false) == "Set-Cookie: holdfast=v; Path=/; HttpOnly\r\n");
}

TEST_CASE("a companion is sent as the app's own cookie is") {
  struct Row {
    const char* of_app;
    const char* attributes;
  };
  for (const Row& row : {
           Row{"sid=1", ""},
           Row{"sid=1; Path=/app; Domain=example.com; Max-Age=900; HttpOnly", ""},
           Row{"sid=1; SECURE; samesite=none; Partitioned", "; SameSite=None; Secure; Partitioned"},
           Row{"sid=1; SameSite=Strict", "; SameSite=Strict"},
           Row{"sid=1; SameSite=odd", ""},
       }) {
    CAPTURE(row.of_app);
    const auto style = TicketStyle::like(http::parse_cookie_style(row.of_app));
    CHECK(ticket_line(style) == "Set-Cookie: holdfast=v; Path=/; HttpOnly" + std::string(row.attributes) + "\r\n");
  }
  CHECK(ticket_line({}, "") == "Set-Cookie: holdfast=; Path=/; HttpOnly; Max-Age=0\r\n");
}

TEST_CASE("up to four texts under the name of our ticket are looked at, over all Cookie fields") {
  const Request request("GET / HTTP/1.1\r\nHost: a\r\nCookie: t=1; x=2; t=3\r\nCookie: t=; t=5; t=6\r\n\r\n");
  const auto shown = proxy::shown_tickets(request.head, "t");
  CHECK(std::vector<std::string_view>(shown.all().begin(), shown.all().end()) ==
        std::vector<std::string_view>{"1", "3", "", "5"});
  CHECK(shown.has_cookies);
  CHECK(proxy::shown_tickets(request.head, "u").count == 0);
  CHECK_FALSE(proxy::shown_tickets(Request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head, "t").has_cookies);
}

TEST_CASE("the words of stickiness are those of the interface") {
  std::string words;
  for (unsigned i = 0; i <= static_cast<unsigned>(proxy::Stickiness::Expired); ++i) {
    words.append(proxy::name_of(static_cast<proxy::Stickiness>(i))).append(" ");
  }
  CHECK(words == "none new kept moved temporary learned unknown forged expired ");
}

TEST_CASE("clients without the app's cookie are known by a header, where one is named") {
  conf::Sticky sticky;
  sticky.mode = StickyMode::AppCookie;
  sticky.names = {"mfilesmsm"};
  sticky.headers = {"X-Authentication", "Authorization"};
  struct Row {
    const char* why;
    const char* lines;
    Kind kind;
    const char* held;
  };
  const Row rows[] = {
      {"cookie", "Cookie: mfilesmsm=c\r\n", Kind::AppCookie, "c"},
      {"header", "X-Authentication: t\r\n", Kind::Header, "t"},
      {"the cookie wins", "X-Authentication: t\r\nCookie: mfilesmsm=c\r\n", Kind::AppCookie, "c"},
      {"an empty cookie is none", "X-Authentication: t\r\nCookie: mfilesmsm=\r\n", Kind::Header, "t"},
      {"a login that is new each time is nobody", "Authorization: NTLM abc\r\n", Kind::None, ""},
      {"neither", "", Kind::None, ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Request request("GET / HTTP/1.1\r\nHost: shop\r\n" + std::string(row.lines));
    const Identity who = proxy::identify(sticky, request.head, kClient);
    CHECK(who.kind == row.kind);
    CHECK(who.held == row.held);
  }
}
