#include "admin/session_api.h"

#include <doctest/doctest.h>

#include "sessions/redis_text.h"
#include "tests/admin/router_fixture.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::admin;
using holdfast::tests::has;
using web::Request;
using web::Response;

namespace {

constexpr sessions::Key kKey{1, 2};

struct Fixture : RouterFixture {
  Response get(std::string path, std::string query = {}) const {
    Request asked = request(http::Method::Get, std::move(path));
    asked.query = std::move(query);
    return ask(asked);
  }
  Response post(std::string path, std::string body = {}, const char* type = "application/json") const {
    Request asked = RouterFixture::post(std::move(path), std::move(body));
    asked.fields = {{"content-type", type}};
    return ask(asked);
  }
  void add_session(const char* backend) {
    sessions.known.push_back({kKey,
                              {sessions.tag_of("shop", backend), sessions::Generation{3}},
                              base::WallTime{std::chrono::seconds{1'769'860'800}},
                              base::WallTime{std::chrono::seconds{1'769'860'900}}});
  }
};

const std::string kSession = "/api/v1/sessions/" + sessions::id_text(kKey) + "/";

}  // namespace

TEST_CASE("sessions are listed with their ages and moves, by pool and backend") {
  Fixture f;
  f.add_session("app2");
  const Response all = f.get("/api/v1/sessions");
  CHECK(all.status == 200);
  CHECK(has(all.body, "\"id\":\"" + sessions::id_text(kKey) + "\""));
  CHECK(has(all.body, "\"backend\":\"app2\",\"since\":\"2026-01-31T12:00:00.000Z\""));
  CHECK(has(all.body, "\"moves\":2"));
  CHECK_FALSE(has(all.body, "last_move"));
  CHECK(f.sessions.orders == std::vector<std::string>{"list shop 100"});
  CHECK(f.get("/api/v1/sessions", "?backend=shop/app1&limit=5").status == 200);
  CHECK(f.sessions.orders.back() == "list shop 5");
  CHECK(f.get("/api/v1/sessions", "?backend=shop/none").status == 404);
  CHECK(f.get("/api/v1/sessions", "?pool=none").status == 404);
  for (const char* limit : {"?limit=0", "?limit=x", "?limit=10001", "?limit=-1"}) {
    CAPTURE(limit);
    CHECK(f.get("/api/v1/sessions", limit).status == 400);
  }
}

TEST_CASE("one session is moved or ended by its id") {
  Fixture f;
  CHECK(f.post(kSession + "end").status == 404);
  f.add_session("app2");
  CHECK(f.post(kSession + "end").status == 200);
  CHECK(f.sessions.orders.back() == "end in shop");
  const Response moved = f.post(kSession + "move", R"({"to":"shop/app1"})");
  CHECK(moved.status == 200);
  CHECK(has(moved.body, "\"backend\":\"app1\""));
  CHECK(f.sessions.orders.back() == "move in shop");
  CHECK(has(f.get("/api/v1/sessions").body, R"("last_move":{"from":"app2","reason":"operator","at":")"));
  CHECK(f.sessions.moved == decltype(f.sessions.moved){{f.sessions.tag_of("shop", "app2"), "1 operator "}});
  CHECK(f.post(kSession + "move", R"({"to":"shop/app2"})").status == 200);  // where it is
  CHECK(f.sessions.moved.size() == 1);
  for (const char* body : {"", "x", "[]", "{}", R"({"to":1})", R"({"to":"shop/app1","x":1})"}) {
    CAPTURE(body);
    CHECK(f.post(kSession + "move", body).status == 400);
  }
  CHECK(f.post(kSession + "move", R"({"to":"shop/none"})").status == 404);
  CHECK(has(moved.body, "\"confirmed\":true"));
  f.sessions.acked = sessions::Acked::NotByAll;
  CHECK(has(f.post(kSession + "end").body, "\"ended\":true,\"confirmed\":false"));
  CHECK(has(f.post("/api/v1/pools/shop/sessions/end").body, "\"confirmed\":false"));
  CHECK(f.post("/api/v1/sessions/short/end").status == 404);
}

TEST_CASE("a session is not moved to a backend that would not keep it") {
  Fixture f;
  f.add_session("app2");
  f.source.view.pools[0].backends[0].state = health::State::Down;
  const Response refused = f.post(kSession + "move", R"({"to":"shop/app1"})");
  CHECK(refused.status == 409);
  CHECK(has(refused.body, "DOWN"));
}

TEST_CASE("all sessions of a backend or a pool") {
  Fixture f;
  const Response ended = f.post("/api/v1/pools/shop/sessions/end");
  CHECK(ended.body == "{\"ended\":21,\"confirmed\":true}\n");
  CHECK(f.post("/api/v1/pools/shop/backends/app1/sessions/end").body == "{\"ended\":7,\"confirmed\":true}\n");
  CHECK(f.post("/api/v1/pools/shop/backends/app1/sessions/move").body == "{\"moved\":7,\"confirmed\":true}\n");
  CHECK(f.sessions.orders.back() == "clear in shop to 2");
  CHECK(f.sessions.moved == decltype(f.sessions.moved){{f.sessions.tag_of("shop", "app1"), "7 operator "}});
  f.add_session("app1");
  CHECK(f.post("/api/v1/pools/shop/backends/app1/sessions/move").status == 200);
  CHECK(has(f.get("/api/v1/sessions").body, R"("last_move":{"from":"app1","reason":"operator","at":")"));
  f.sessions.trouble = base::Error{base::ErrorCode::Timeout, "no list"};
  CHECK(f.post("/api/v1/pools/shop/backends/app1/sessions/move").status == 200);
  f.sessions.trouble.reset();
  f.source.view.pools[0].backends[1].state = health::State::Down;
  f.source.view.pools[0].backends[2].state = health::State::Draining;
  CHECK(f.post("/api/v1/pools/shop/backends/app1/sessions/move").status == 409);
  CHECK(f.post("/api/v1/pools/none/sessions/end").status == 404);
  CHECK(f.post("/api/v1/pools/shop/backends/none/sessions/end").status == 404);
}

TEST_CASE("forms of other sites end nothing, and trouble with Redis is said") {
  Fixture f;
  f.add_session("app2");
  CHECK(f.post(kSession + "end", "", "application/x-www-form-urlencoded").status == 415);
  CHECK(f.post("/api/v1/pools/shop/sessions/end", "", "text/plain").status == 415);
  CHECK(f.sessions.orders.empty());
  f.sessions.trouble = base::Error{base::ErrorCode::Unavailable, "the link is down"};
  CHECK(f.post(kSession + "end").status == 503);
  const Response listed = f.get("/api/v1/sessions");
  CHECK(listed.status == 503);
  CHECK(has(listed.body, "nothing was done"));
}
