#include "tests/support/sample_app_pages.h"

#include "base/text.h"

namespace holdfast::support {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5c6b7a;--paper:#fff;--back:#eef2f6;--line:#d7dfe7;--accent:#0b6e99}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9fb0c0;--paper:#18212b;--back:#0f161d;--line:#2b3947;--accent:#58b8e0}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}main{width:min(34rem,92vw);background:var(--paper);border:1px solid var(--line);
border-radius:14px;padding:2rem}h1{margin:0 0 .25rem;font-size:1.4rem}p{color:var(--soft);margin:.25rem 0 1rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.25rem;margin:1.5rem 0}dt{color:var(--soft)}dd{margin:0;font-weight:600}
.backend{color:var(--accent);font-size:1.15rem}a,button{display:inline-block;padding:.5rem 1rem;border-radius:8px;border:1px solid var(--accent);
color:var(--accent);background:none;font:inherit;text-decoration:none;cursor:pointer;margin-right:.5rem}
button,a.main{background:var(--accent);color:var(--paper)}input{font:inherit;padding:.5rem;border:1px solid var(--line);border-radius:8px;
width:100%;margin:.25rem 0 1rem;background:var(--back);color:var(--ink)}
)";

std::string page(std::string_view title, std::string_view content) {
  std::string text = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">";
  text += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";
  text.append(title).append("</title><style>").append(kStyle).append("</style></head><body><main>");
  return text.append(content).append("</main></body></html>\n");
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string row(std::string_view name, std::string_view value, std::string_view kind = "") {
  std::string text = "<dt>";
  text.append(name).append("</dt><dd class=\"").append(kind).append("\">").append(escaped(value)).append("</dd>");
  return text;
}

}  // namespace

std::string home_page(const SampleApp& app, const Login& login, const AppRequest& request) {
  const std::string who = login.user.empty() ? "a guest" : login.user;
  std::string text = "<h1>Hello, " + escaped(who) +
                     "</h1><p>Reload as often as you like: one backend serves you, until it dies.</p><dl>";
  text += row("Your backend", app.name, "backend");
  text += row("Requests of your session", std::to_string(login.requests));
  text += row("Requests served by this backend", std::to_string(app.requests.load()));
  text += row("Your address", request.head.field("X-Forwarded-For").value_or("unknown"));
  text += row("Host", request.head.field("Host").value_or("?"));
  text += "</dl><a class=\"main\" href=\"/\">Reload</a>";
  text += login.user.empty() ? "<a href=\"/login\">Log in</a>" : "<a href=\"/logout\">Log out</a>";
  return page("Sample app on " + app.name, text);
}

std::string login_page(const SampleApp& app) {
  return page("Log in",
              "<h1>Log in</h1><p>Any name will do. It is kept outside the backend (" + app.name +
                  "), so you stay logged in when the backend dies.</p><form method=\"post\" action=\"/login\">"
                  "<label>Your name<input name=\"user\" autocomplete=\"username\" maxlength=\"64\" required></label>"
                  "<button>Log in</button></form>");
}

}  // namespace holdfast::support
