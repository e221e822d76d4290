// What clients see when no backend may serve, and while an operator says so.

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

const std::vector<WireField> kBrowser = {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
const std::vector<WireField> kScript = {{"Accept", "application/json"}};

void check_common(const Response& response) {
  CHECK(response.is_whole(503));
  CHECK(response.field("Cache-Control").value_or("") == "no-store");
  CHECK(response.field("Retry-After").has_value());
  CHECK_FALSE(response.field("Set-Cookie"));
}

void order(const Proxy& proxy, const std::string& what) {
  const Response response = HttpClient(proxy.admin_port())
                                .request({.method = "POST",
                                          .target = "/api/v1/pools/app/backends/a/" + what,
                                          .fields = {{"X-Holdfast-Request", "1"}},
                                          .host = "127.0.0.1"});
  CHECK(response.status / 100 == 2);
}

}  // namespace

TEST_CASE("nobody may serve: a page of ours, in the form that was asked for") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()});
  fleet["a"].crash();
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  const Response page = proxy.client().get("/", kBrowser);
  check_common(page);
  CHECK(page.field("Content-Type").value_or("").starts_with("text/html"));
  CHECK(page.body.find("<h1>") != std::string::npos);
  const Response script = proxy.client().get("/api", kScript);
  check_common(script);
  CHECK(nlohmann::json::parse(script.body).value("status", 0) == 503);
  check_common(proxy.client().get("/"));
  check_common(proxy.client().post("/", "form"));
  CHECK(proxy.process().wait_for_line(" pool_closed ").value_or("").find(" error ") != std::string::npos);
}

TEST_CASE("maintenance: the pool's own page, and no alarm whatever becomes of the backend") {
  Fleet fleet({"a"});
  const TempDir dir;
  const std::string html = "<!doctype html><title>Back at nine</title><h1>Back at nine</h1>\n";
  const std::string file = dir.write("page.html", html).string();
  Proxy proxy({.backends = fleet.configs(), .pool = "maintenance_page = \"" + file + "\"\n"});
  HttpClient user = proxy.client();
  REQUIRE(user.get("/").is_whole(200));
  order(proxy, "maint");
  REQUIRE(proxy.wait_for_state("a", "MAINT"));
  CHECK(eventually([&] { return proxy.client().get("/", kBrowser).body == html; }));
  const Response page = user.get("/", kBrowser);
  check_common(page);
  CHECK(page.body == html);
  CHECK(nlohmann::json::parse(user.get("/", kScript).body).value("status", 0) == 503);
  const Response head = user.request({.method = "HEAD", .fields = kBrowser});
  CHECK(head.is_whole(503));
  CHECK(head.field("Content-Length").value_or("") == std::to_string(html.size()));

  const std::size_t served = fleet["a"].count();
  const std::size_t probes = fleet["a"].health_checks();
  fleet["a"].crash();
  CHECK(eventually([&] { return proxy.backend("a")["probe"].value("failed_total", 0) > 3; }));
  fleet["a"].restart();
  CHECK(eventually([&] { return fleet["a"].health_checks() > probes + 3; }));
  CHECK(proxy.backend("a").value("state", "") == "MAINT");
  CHECK(fleet["a"].count() == served);
  CHECK(proxy.process().err().find(" warn backend_") == std::string::npos);
  CHECK(proxy.process().err().find(" error ") == std::string::npos);

  order(proxy, "ready");
  REQUIRE(proxy.wait_for_state("a", "UP"));
  CHECK(eventually([&] { return user.get("/").is_whole(200); }));
}

TEST_CASE("a maintenance page that cannot be used is found before the start") {
  Fleet fleet({"a"});
  const TempDir dir;
  struct Row {
    std::string page;
    const char* says;
  };
  for (const Row& row : {Row{"/no/such/page.html", "No such file"}, Row{dir.path().string(), "not a plain file"},
                         Row{dir.write("empty", "").string(), "it is empty"},
                         Row{dir.write("large", std::string((256u << 10) + 1, 'x')).string(), "262144 bytes"}}) {
    const ProxyConfig config{.backends = fleet.configs(), .pool = "maintenance_page = \"" + row.page + "\"\n"};
    const std::string toml = dir.write("c.toml", toml_of(config, dir.path().string())).string();
    std::vector<std::string> arguments = {holdfast_binary(), "-c", toml};
    for (int round = 0; round < 2; ++round) {
      const Finished ended = run_to_end({.arguments = arguments, .environment = {}});
      CHECK(ended.code == 1);
      CHECK_MESSAGE(ended.err.find(row.says) != std::string::npos, ended.err);
      CHECK(ended.err.find(row.page) != std::string::npos);
      arguments.emplace_back("-t");
    }
  }
}
