#include "admin/quarantine_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/router_fixture.h"

using namespace holdfast;
using namespace holdfast::admin;
using web::Response;
using namespace std::chrono_literals;

namespace {

struct Fixture : RouterFixture {
  Response ask(http::Method method, std::string path) const {
    return RouterFixture::ask(request(method, std::move(path)));
  }
};

}  // namespace

TEST_CASE("what is in quarantine is listed, and released by its id") {
  Fixture f;
  f.quarantine.known.push_back({.id = "8d3a5f0e61c2b794",
                                .pool = "shop",
                                .backend = "app1",
                                .method = "POST",
                                .path = "/boom",
                                .crashes = 1,
                                .since = wall(1'769'860'800),
                                .left = 90'500ms});
  const Response list = f.ask(http::Method::Get, "/api/v1/quarantine");
  CHECK(list.content_type == "application/json");
  CHECK(nlohmann::json::parse(list.body) == nlohmann::json::parse(R"({"requests": [{"id": "8d3a5f0e61c2b794",
      "pool": "shop", "backend": "app1", "method": "POST", "path": "/boom", "caller": "one", "crashes": 1,
      "since": "2026-01-31T12:00:00.000Z", "seconds_left": 91}]})"));
  CHECK(f.ask(http::Method::Post, "/api/v1/quarantine/other/release").status == 404);
  const Response released = f.ask(http::Method::Post, "/api/v1/quarantine/8d3a5f0e61c2b794/release");
  CHECK(nlohmann::json::parse(released.body)["released"] == true);
  CHECK(f.quarantine.released_by == "127.0.0.1");
  CHECK(nlohmann::json::parse(f.ask(http::Method::Get, "/api/v1/quarantine").body)["requests"].empty());
}
