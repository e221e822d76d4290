#include "admin/roll_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/router_fixture.h"

using namespace holdfast;
using namespace holdfast::admin;
using web::Response;

namespace {

struct Fixture : RouterFixture {
  Response post(const std::string& path, const std::string& body) const {
    return ask(RouterFixture::post("/api/v1/pools/" + path, body));
  }
};

}  // namespace

TEST_CASE("a pool is kept for one roll") {
  Fixture f;
  const Response begun = f.post("shop/roll", R"({"id":"one","by":"ops"})");
  CHECK(begun.status == 200);
  const auto json = nlohmann::json::parse(begun.body);
  CHECK(json["by"] == "ops");
  CHECK(json["lease_seconds"] == 30);
  CHECK(f.post("shop/roll/renew", R"({"id":"one","by":"ops","backend":"app2"})").status == 200);
  const Response second = f.post("shop/roll", R"({"id":"two","by":"dev"})");
  CHECK(second.status == 409);
  CHECK(second.body ==
        "ops has been rolling through shop since 2026-01-31T12:00:00.000Z, now at app2; only one roll at a time; a "
        "dead roll expires after 30s\n");
  CHECK(f.post("shop/roll/end", R"({"id":"one"})").status == 200);
  CHECK(f.rolls.ended == std::vector<std::string>{"shop one"});
}

TEST_CASE("what is no roll, and when nobody can be asked") {
  Fixture f;
  for (const char* body : {"", "{}", "[]", R"({"id":1})", R"({"id":"a b"})", R"({"id":""})", R"({"id":"x","pool":"y"})",
                           R"({"id":"x","backend":"a b"})", R"({"id":"x","by":["ops"]})"}) {
    CAPTURE(body);
    CHECK(f.post("shop/roll", body).status == 400);
  }
  CHECK(f.post("shop/roll/end", "{}").status == 400);
  CHECK(f.post("none/roll", R"({"id":"one"})").status == 404);
  f.rolls.trouble = base::Error{base::ErrorCode::Unavailable, "redis is down"};
  const Response away = f.post("shop/roll", R"({"id":"one"})");
  CHECK(away.status == 503);
  CHECK(away.body == "cannot check for another roll: redis is down\n");
}
