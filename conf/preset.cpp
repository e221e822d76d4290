#include "conf/preset.h"

#include <algorithm>
#include <initializer_list>

namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;

/// What the app sets for a user who logs in decides which backend they belong to.
void know_by_cookies(Pool& pool, std::initializer_list<const char*> names) {
  pool.sticky.mode = StickyMode::AppCookie;
  pool.sticky.names.assign(names.begin(), names.end());
}

/// The runtime's admin port knows how the app is; without its password only the app's own page can be asked.
void set_mendix_probe(Probe& probe, const TomlNode& table) {
  const TomlNode* given = table.find("probe");
  const auto has = [given](std::string_view key) { return given != nullptr && given->find(key) != nullptr; };
  if (has("type") || has("password") || has("password_file")) probe.type = ProbeType::M2ee;
  probe.interval = 5s;
  probe.timeout = 3s;
}

constexpr PresetRoute kMendixRoutes[] = {
    {.path = "/file", .action = RouteAction::Forward, .response_timeout = 1h},
    {.path = "/api-doc"},
    {.path = "/odata-doc"},
    {.path = "/rest-doc"},
    {.path = "/ws-doc"},
    {.path = "/debugger"},
};
// Tomcat's own applications, and what servlet containers never serve on purpose.
constexpr PresetRoute kJavaRoutes[] = {
    {.path = "/manager"}, {.path = "/host-manager"}, {.path = "/WEB-INF"}, {.path = "/META-INF"}};
constexpr PresetRoute kPhpRoutes[] = {
    {.path = "/.env"}, {.path = "/.git"}, {.path = "/.htaccess"}, {.path = "/.user.ini"}};
constexpr PresetRoute kExpressRoutes[] = {{.path = "/.env"}, {.path = "/.git"}};

void add_below(const Route& root, Settings& settings) {
  for (const PresetRoute& known : routes_of(settings.pool(root.pool).preset)) {
    const bool is_given = std::any_of(settings.routes.begin(), settings.routes.end(), [&](const Route& route) {
      return route.host == root.host && route.path == known.path;
    });
    if (is_given) continue;
    Route route;
    if (known.action == RouteAction::Forward) route = root;
    route.host = root.host;
    route.path = known.path;
    route.action = known.action;
    if (known.response_timeout && !route.response_timeout) route.response_timeout = known.response_timeout;
    settings.routes.push_back(std::move(route));
  }
}

}  // namespace

void apply_preset(Pool& pool, Preset preset, const TomlNode& table) {
  pool.preset = preset;
  switch (preset) {
    case Preset::None:
      return;
    case Preset::Mendix:
      know_by_cookies(pool, {"__Host-XASSESSIONID", "XASSESSIONID"});
      set_mendix_probe(pool.probe, table);
      pool.response_timeout = 15min;
      return;
    case Preset::Mfiles:
      know_by_cookies(pool, {"mfilesmsm", "ASP.NET_SessionId"});
      pool.sticky.headers = {"X-Authentication"};
      pool.probe.path = "/REST/server/status";
      pool.probe.expect_status = {{200, 200}};
      pool.probe.interval = 5s;
      pool.probe.timeout = 3s;
      pool.response_timeout = 5min;
      pool.request_body_bytes = 0;
      return;
    case Preset::Java:
      return know_by_cookies(pool, {"JSESSIONID"});
    case Preset::Php:
      return know_by_cookies(pool, {"PHPSESSID"});
    case Preset::Express:
      return know_by_cookies(pool, {"connect.sid"});
    case Preset::Aspnet:
      know_by_cookies(pool, {"ASP.NET_SessionId", ".AspNetCore.Session"});
      pool.response_timeout = 2min;  // IIS ends a request after 110 s
      return;
  }
}

std::span<const PresetRoute> routes_of(Preset preset) {
  switch (preset) {
    case Preset::Mendix:
      return kMendixRoutes;
    case Preset::Java:
      return kJavaRoutes;
    case Preset::Php:
      return kPhpRoutes;
    case Preset::Express:
      return kExpressRoutes;
    case Preset::Mfiles:
    case Preset::Aspnet:  // IIS hides its own, and compares paths without case, which routes do not
    case Preset::None:
      break;
  }
  return {};
}

void add_preset_routes(Settings& settings) {
  const std::vector<Route> given = settings.routes;
  for (const Route& route : given) {
    if (route.action == RouteAction::Forward && route.path == "/") add_below(route, settings);
  }
}

}  // namespace holdfast::conf
