#include "admin/reload_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/router_fixture.h"

using namespace holdfast;
using namespace holdfast::admin;
using web::Response;

namespace {

struct Fixture : RouterFixture {
  Response post(std::string body) const { return ask(RouterFixture::post("/api/v1/reload", std::move(body))); }
};

}  // namespace

TEST_CASE("a reload and a check: what is asked for, and what is told") {
  Fixture f;
  f.reloads.response =
      ReloadReport{.changes = {{"pools.shop.balance", "\"hash\"", "\"random_two\"", conf::KeyChange::Effect::AtOnce},
                               {"server.workers", "1", "2", conf::KeyChange::Effect::AfterRestart}},
                   .removed = {{"shop/app9", 12}},
                   .is_applied = true};
  const Response response = f.post("");
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  CHECK(nlohmann::json::parse(response.body) == nlohmann::json::parse(R"({"applied": true,
      "changes": [{"key": "pools.shop.balance", "before": "\"hash\"", "after": "\"random_two\"", "effect": "at once"},
                  {"key": "server.workers", "before": "1", "after": "2", "effect": "after a restart"}],
      "removed": [{"backend": "shop/app9", "sessions": 12}]})"));
  f.post("  ");
  f.post("{}");
  f.post(R"({"check": false})");
  f.post(R"({"check": true})");
  using Wish = ReloadWish;
  CHECK(f.reloads.wishes == std::vector{Wish::Apply, Wish::Apply, Wish::Apply, Wish::Apply, Wish::Check});
}

TEST_CASE("a body that is not understood reloads nothing") {
  Fixture f;
  for (const char* body : {"check", "[]", "{", R"({"check": 1})", R"({"chek": true})", R"({"check": true, "x": 1})"}) {
    INFO(std::string(body));
    CHECK(f.post(body).status == 400);
  }
  CHECK(f.reloads.wishes.empty());
}

TEST_CASE("why a reload is refused") {
  Fixture f;
  f.reloads.response = base::Error{base::ErrorCode::Invalid, "holdfast.toml:3:1: unknown key"};
  CHECK(f.post("").status == 422);
  CHECK(f.post("").body.find("holdfast.toml:3:1: unknown key") != std::string::npos);
  f.reloads.response = base::Error{base::ErrorCode::Io, "cannot listen on 127.0.0.1:80"};
  CHECK(f.post("").status == 422);
  f.reloads.response = base::Error{base::ErrorCode::Unavailable, "another reload is under way"};
  CHECK(f.post("").status == 503);
}
