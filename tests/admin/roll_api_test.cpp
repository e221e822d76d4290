#include "admin/roll_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/sample_view.h"
#include "tests/support/fake_net.h"

using namespace holdfast;
using namespace holdfast::admin;
using web::Request;
using web::Response;
using web::Router;

namespace {

/// A desk that knows one roll at a time.
class FakeRolls final : public RollService {
 public:
  void take_roll(const RollAsk& ask, Done done) override {
    if (trouble) return done(*trouble);
    if (holder.id.empty() || holder.id == ask.id) holder = ask;
    holder.since = wall(1'769'860'800);
    done(holder);
  }
  void end_roll(const std::string& pool, const std::string& id) override { ended.push_back(pool + " " + id); }
  base::Duration roll_lease() const override { return std::chrono::seconds{30}; }

  RollAsk holder;
  std::optional<base::Error> trouble;
  std::vector<std::string> ended;
};

struct Fixture {
  Fixture() { add_roll_routes(router, source, rolls); }
  Response post(const std::string& path, const std::string& body) const {
    Request request;
    request.method = http::Method::Post;
    request.path = "/api/v1/pools/" + path;
    request.body = body;
    request.peer = tests::fake_address(5000);
    return response_of(router, request);
  }
  FakeStatusSource source;
  FakeRolls rolls;
  Router router;
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
        "dead roll "
        "forgotten after 30s\n");
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
