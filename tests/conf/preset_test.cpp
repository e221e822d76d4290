#include "conf/preset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conf/reader.h"

using namespace holdfast::conf;
using namespace std::chrono_literals;

namespace {

Settings good(const std::string& toml) {
  auto result = read_settings(toml);
  if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result))
    FAIL(diagnostics_text("file", *diagnostics) << toml);
  return std::get<Settings>(std::move(result));
}

std::string file(const std::string& pool, const std::string& more = {}) {
  return "[[listen]]\naddress = \"a:1\"\n" + more + "[pools.app]\nbackends = [\"b:1\"]\n" + pool;
}

const Route* route_at(const Settings& settings, std::string_view path, std::string_view host = {}) {
  const auto found = std::find_if(settings.routes.begin(), settings.routes.end(),
                                  [&](const Route& r) { return r.path == path && r.host == host; });
  return found == settings.routes.end() ? nullptr : &*found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("each preset knows the session cookies of its kind") {
  struct Row {
    const char* preset;
    Names names;
  };
  const Row rows[] = {{"mendix", {"__Host-XASSESSIONID", "XASSESSIONID"}},
                      {"mfiles", {"mfilesmsm", "ASP.NET_SessionId"}},
                      {"java", {"JSESSIONID"}},
                      {"php", {"PHPSESSID"}},
                      {"express", {"connect.sid"}},
                      {"aspnet", {"ASP.NET_SessionId", ".AspNetCore.Session"}}};
  for (const Row& row : rows) {
    INFO(row.preset);
    const Settings settings = good(file("preset = \"" + std::string(row.preset) + "\"\n"));
    const Pool& pool = settings.pools[0];
    CHECK(pool.sticky.mode == StickyMode::AppCookie);
    CHECK(pool.sticky.names == row.names);
    CHECK(dump_settings(settings).find("preset = \"" + std::string(row.preset) + "\"\n") != std::string::npos);
  }
}

TEST_CASE("mendix: admin port where there is a password, timeouts, hidden paths") {
  const Settings settings = good(file("preset = \"mendix\"\n[pools.app.probe]\npassword_file = \"/p\"\n"));
  const Probe& probe = settings.pools[0].probe;
  CHECK(probe.type == ProbeType::M2ee);
  CHECK(probe.port == 8090);
  CHECK(probe.interval == 5s);
  CHECK(settings.pools[0].response_timeout == 15min);
  for (const char* path : {"/ws-doc", "/rest-doc", "/odata-doc", "/api-doc", "/debugger"}) {
    INFO(path);
    REQUIRE(route_at(settings, path) != nullptr);
    CHECK(route_at(settings, path)->action == RouteAction::Deny);
  }
  REQUIRE(route_at(settings, "/file") != nullptr);
  CHECK(route_at(settings, "/file")->response_timeout == 1h);
  CHECK(route_at(settings, "/file")->action == RouteAction::Forward);

  const Settings plain = good(file("preset = \"mendix\"\n"));
  CHECK_MESSAGE(plain.pools[0].probe.type == ProbeType::Http, "without a password nobody can ask the admin port");
  CHECK(plain.pools[0].probe.port == 0);
  CHECK(good(file("preset = \"mendix\"\nprobe = { type = \"m2ee\" }\n")).pools[0].probe.port == 8090);
}

TEST_CASE("mfiles: its status, and tokens beside cookies") {
  const Settings settings = good(file("preset = \"mfiles\"\n"));
  const Pool& pool = settings.pools[0];
  CHECK(pool.sticky.headers == Names{"X-Authentication"});
  CHECK(pool.probe.path == "/REST/server/status");
  CHECK(pool.probe.expect_status == std::vector<StatusRange>{{200, 200}});
  CHECK(pool.response_timeout == 5min);
  CHECK(pool.request_body_bytes == 0u);
}

TEST_CASE("whatever a preset says can be said otherwise, in any order of the keys") {
  const Settings settings = good(file(
      "response_timeout = \"1m\"\nsticky = { names = [\"MY\"], failover = \"refuse\" }\nprobe = { path = \"/up\" }\n"
      "preset = \"mfiles\"\n"));
  const Pool& pool = settings.pools[0];
  CHECK(pool.sticky.names == Names{"MY"});
  CHECK(pool.sticky.headers == Names{"X-Authentication"});
  CHECK(pool.sticky.failover == FailoverMode::Refuse);
  CHECK(pool.probe.path == "/up");
  CHECK(pool.probe.interval == 5s);
  CHECK(pool.response_timeout == 1min);

  const Settings cookie = good(file("preset = \"java\"\nsticky = { mode = \"cookie\" }\n"));
  CHECK(cookie.pools[0].sticky.mode == StickyMode::Cookie);
  CHECK_MESSAGE(cookie.pools[0].sticky.names.empty(), "another mode has none of the preset's names");
  const Settings tcp = good(file("preset = \"mfiles\"\nprobe = { type = \"tcp\" }\n"));
  Probe plain_tcp;
  plain_tcp.type = ProbeType::Tcp;
  CHECK_MESSAGE(tcp.pools[0].probe == plain_tcp, "another type has nothing of the preset's");
}

TEST_CASE("a path with a route of its own is the user's business") {
  const Settings settings = good(file("preset = \"mendix\"\n",
                                      "[[routes]]\npool = \"app\"\n[[routes]]\npath = \"/rest-doc\"\npool = \"app\"\n"
                                      "[[routes]]\npath = \"/file\"\npool = \"app\"\nresponse_timeout = \"2m\"\n"));
  CHECK(route_at(settings, "/rest-doc")->action == RouteAction::Forward);
  CHECK(route_at(settings, "/file")->response_timeout == 2min);
  CHECK(route_at(settings, "/ws-doc")->action == RouteAction::Deny);
}

TEST_CASE("preset routes stand below each host whose root goes to the pool, and only there") {
  const Settings settings = good(
      file("preset = \"java\"\n[pools.other]\nbackends = [\"c:1\"]\n",
           "[[routes]]\nhost = \"x.y\"\npool = \"app\"\nsticky = false\n[[routes]]\nhost = \"z.y\"\npool = \"other\"\n"
           "[[routes]]\nhost = \"z.y\"\npath = \"/app\"\npool = \"app\"\n"));
  REQUIRE(route_at(settings, "/manager", "x.y") != nullptr);
  CHECK(route_at(settings, "/manager", "z.y") == nullptr);
  CHECK(route_at(settings, "/manager") == nullptr);
  CHECK(good(dump_settings(settings)) == settings);
}
