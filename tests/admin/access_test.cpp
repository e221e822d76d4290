// Who may do what: the table of access.h, case by case.
#include "admin/access.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin/password.h"
#include "base/log.h"
#include "base/log_watch.h"
#include "tests/admin/fake_services.h"
#include "tests/support/fake_net.h"

using namespace holdfast;
using namespace holdfast::admin;
using web::Request;
using web::Response;
using web::Role;
using web::Router;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string kToken = "token-of-a-script";

struct LogLines final : base::LogWatch {
  std::vector<std::string> lines;
  LogLines() { base::log_watch(this); }
  ~LogLines() override { base::log_watch(nullptr); }
  void on_log(base::LogLevel level, std::string_view event, base::LogFields fields) override {
    lines.push_back(base::log_text("", level, event, fields, base::LogFormat::Text));
  }
  bool has(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
};

struct Fixture : FakeServices {
  enum class Users : std::uint8_t { None, Some };
  explicit Fixture(Users users = Users::Some)
      : FakeServices(
            users == Users::None ? Access::Accounts{} : accounts(),
            [this](const std::string& password, const std::string& hash, const std::function<void(bool)>& done) {
              ++checks;
              done(hash == "hash of " + password);
            }) {}

  static Access::Accounts accounts() {
    return {.users = {{"anna", "hash of secret", Role::Operator}, {"vera", "hash of look", Role::Viewer}},
            .tokens = {{"deploy", hash_token(kToken), Role::Operator}}};
  }
  Request request(http::Method method, std::string path, std::string body = {}) const {
    Request out;
    out.method = method;
    out.path = std::move(path);
    out.host = "127.0.0.1";
    out.fields = {{"Host", "127.0.0.1:8081"}};
    if (method == http::Method::Post) out.fields.emplace_back("Content-Type", "application/json");
    out.body = std::move(body);
    out.peer = peer;
    return out;
  }
  std::uint16_t status(const Request& asked) const { return response_of(router, asked).status; }
  std::uint16_t get(const std::string& path) const { return status(request(http::Method::Get, path)); }
  Request drain() const { return request(http::Method::Post, "/api/v1/pools/shop/backends/app1/drain"); }
  Response login(const std::string& name, const std::string& password) const {
    return response_of(
        router, request(http::Method::Post, "/api/v1/login", json{{"name", name}, {"password", password}}.dump()));
  }
  /// An order with the cookie of a login, and its CSRF token unless told otherwise.
  Request order_as(const Response& login, bool with_csrf = true) const {
    Request out = drain();
    const std::string& set = login.more_fields;
    const std::size_t begin = set.find("holdfast_admin=");
    out.fields.emplace_back("Cookie", "other=1; " + set.substr(begin, set.find(';', begin) - begin));
    if (with_csrf) out.fields.emplace_back("X-Holdfast-CSRF", json::parse(login.body)["csrf"].get<std::string>());
    return out;
  }

  LogLines log;
  net::Address peer = tests::fake_address(5000);
  int checks = 0;
  Router router = make_router(all());
};

net::Address far_away() { return *net::resolve({"192.0.2.1", 5000}); }

}  // namespace

TEST_CASE("without users this machine acts, and nobody else gets anything") {
  Fixture f(Fixture::Users::None);
  CHECK(f.get("/api/v1/status") == 200);
  CHECK(f.status(f.drain()) == 200);
  CHECK(f.log.has("operator_action by=loopback from=127.0.0.1 path=/api/v1/pools/shop/backends/app1/drain status=200"));
  f.peer = far_away();
  CHECK(f.get("/api/v1/status") == 401);
  CHECK(f.status(f.drain()) == 401);
}

TEST_CASE("with users this machine looks; who acts has logged in") {
  Fixture f;
  CHECK(f.get("/api/v1/status") == 200);
  CHECK(f.status(f.drain()) == 401);
  CHECK(f.operators.asks.empty());
  const Response anna = f.login("anna", "secret");
  REQUIRE(anna.status == 200);
  CHECK(json::parse(anna.body)["role"] == "operator");
  CHECK(anna.more_fields.find("HttpOnly; SameSite=Strict") != std::string::npos);
  CHECK(f.status(f.order_as(anna)) == 200);
  REQUIRE(f.operators.asks.size() == 1);
  CHECK(f.operators.asks[0].by == "anna");
  CHECK(f.log.has("operator_action by=anna from=127.0.0.1"));
}

TEST_CASE("from elsewhere only what says nothing is open") {
  Fixture f;
  f.peer = far_away();
  for (const char* path : {"/", "/livez", "/readyz", "/api/v1/me"}) {
    CAPTURE(path);
    CHECK(f.get(path) == 200);
  }
  for (const char* path : {"/plain", "/metrics", "/api/v1/status", "/api/v1/events", "/api/v1/history",
                           "/api/v1/config", "/api/v1/cluster", "/api/v1/sessions", "/nothing"}) {
    CAPTURE(path);
    CHECK(f.get(path) == 401);
  }
  const Response vera = f.login("vera", "look");
  REQUIRE(vera.status == 200);
  Request look = f.order_as(vera);
  look.method = http::Method::Get;
  look.path = "/api/v1/status";
  CHECK(f.status(look) == 200);
}

TEST_CASE("a viewer, a missing CSRF token, another origin: refused, and nothing reaches the service") {
  Fixture f;
  const Response vera = f.login("vera", "look");
  CHECK(f.status(f.order_as(vera)) == 403);
  const Response anna = f.login("anna", "secret");
  CHECK(f.status(f.order_as(anna, false)) == 403);
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:8082", "null", "http://127.0.0.1", "https://"}) {
    CAPTURE(origin);
    Request order = f.order_as(anna);
    order.fields.emplace_back("Origin", origin);
    CHECK(f.status(order) == 403);
  }
  Request cross = f.order_as(anna);
  cross.fields.emplace_back("Sec-Fetch-Site", "cross-site");
  CHECK(f.status(cross) == 403);
  Request form = f.order_as(anna);
  form.fields[1].second = "application/x-www-form-urlencoded";
  CHECK(f.status(form) == 415);
  CHECK(f.operators.asks.empty());
  Request own = f.order_as(anna);
  own.fields.emplace_back("Origin", "http://127.0.0.1:8081");
  CHECK(f.status(own) == 200);
}

TEST_CASE("a page of another origin cannot log anybody in, nor steer a listener without users") {
  Fixture f(Fixture::Users::None);
  Request order = f.drain();
  order.fields.emplace_back("Origin", "http://evil.example");
  CHECK(f.status(order) == 403);
  Fixture g;
  Request login = g.request(http::Method::Post, "/api/v1/login", R"({"name":"anna","password":"secret"})");
  login.fields.emplace_back("Origin", "http://evil.example");
  CHECK(g.status(login) == 403);
  CHECK(g.checks == 0);
}

TEST_CASE("another site's name that has been made to mean this machine opens nothing") {
  for (const auto users : {Fixture::Users::None, Fixture::Users::Some}) {
    Fixture f(users);
    Request look = f.request(http::Method::Get, "/api/v1/status");
    for (const char* host : {"127.0.0.1", "localhost", "::1", "", "10.0.0.7"}) {
      CAPTURE(host);
      look.host = host;
      CHECK(f.status(look) == 200);
    }
    look.host = "rebound.evil.example";
    CHECK(f.status(look) == 401);
  }
}

TEST_CASE("who comes through something in front of us is not this machine") {
  Fixture f(Fixture::Users::None);
  for (const char* field : {"X-Forwarded-For", "Forwarded"}) {
    Request order = f.drain();
    order.fields.emplace_back(field, "for=192.0.2.1");
    CHECK(f.status(order) == 401);
  }
}

TEST_CASE("a script shows its token, from anywhere; a wrong one is nobody's") {
  Fixture f;
  f.peer = far_away();
  Request order = f.drain();
  order.fields.emplace_back("Authorization", "Bearer " + kToken);
  CHECK(f.status(order) == 200);
  CHECK(f.operators.asks.at(0).by == "deploy");
  order.fields.back().second = "Bearer " + kToken + "x";
  CHECK(f.status(order) == 401);
  f.peer = tests::fake_address(5000);
  CHECK(f.status(order) == 401);
}

TEST_CASE("a refused order is a line, with why; so many a minute, and nothing secret") {
  Fixture f;
  const Response anna = f.login("anna", "secret");
  const std::size_t before = f.log.lines.size();
  CHECK(f.status(f.drain()) == 401);
  CHECK(
      f.log.has("warn operator_refused by=loopback from=127.0.0.1 path=/api/v1/pools/shop/backends/app1/drain "
                "status=401 reason=\"this needs an operator: log in, or send Authorization: Bearer TOKEN\""));
  f.status(f.order_as(f.login("vera", "look")));
  CHECK(f.log.has("by=vera from=127.0.0.1 path=/api/v1/pools/shop/backends/app1/drain status=403"));
  f.status(f.order_as(anna, false));
  CHECK(f.log.has("reason=\"the header X-Holdfast-CSRF is missing; GET /api/v1/me returns its value\""));
  Request foreign = f.order_as(anna);
  foreign.fields.emplace_back("Origin", "http://evil.example");
  f.status(foreign);
  CHECK(f.log.has("reason=\"orders are not taken from pages of other origins\""));
  Request wrong = f.drain();
  wrong.fields.emplace_back("Authorization", "Bearer guessed");
  f.status(wrong);
  CHECK(f.log.has("by=nothing"));
  CHECK_FALSE(f.log.has("guessed"));
  CHECK(f.get("/nothing") == 404);
  CHECK(f.log.lines.size() == before + 6);  // with the login

  for (int i = 0; i < 1000; ++i) f.status(f.drain());
  CHECK(f.log.lines.size() == before + 1 + RefusalLimit::kMost);
  f.loop.advance(61s);
  f.status(f.drain());
  CHECK(f.log.has("left_out=985"));
  f.status(f.drain());
  CHECK(f.log.lines.back().ends_with("left_out=0"));
}

TEST_CASE("the line of an order says its target or its deadline") {
  Fixture f(Fixture::Users::None);
  Request order = f.drain();
  order.body = R"({"deadline":"10m","by":"me"})";
  CHECK(f.status(order) == 200);
  CHECK(f.log.has("path=/api/v1/pools/shop/backends/app1/drain deadline=10m status=200"));
  order.path = "/api/v1/sessions/none/move";
  order.body = R"({"to":"shop/app2"})";
  CHECK(f.status(order) == 404);
  CHECK(f.log.has("path=/api/v1/sessions/none/move to=shop/app2 status=404"));
  for (const char* body : {"nonsense", "[]", R"({"to":1})"}) {
    CAPTURE(body);
    order.body = body;
    f.status(order);
    CHECK(f.log.lines.back().find(" to=") == std::string::npos);
  }
}

TEST_CASE("logins: wrong ones are limited, and take the same work whoever they name") {
  Fixture f;
  for (std::uint32_t i = 0; i < LoginLimit::kFromOne; ++i) {
    CHECK(f.login(i % 2 == 0 ? "anna" : "nobody", "guess").status == 401);
  }
  CHECK(f.checks == LoginLimit::kFromOne);
  const Response limited = f.login("anna", "secret");
  CHECK(limited.status == 429);
  CHECK(limited.more_fields.find("Retry-After") != std::string::npos);
  CHECK(f.checks == LoginLimit::kFromOne);
  f.loop.advance(61s);
  CHECK(f.login("anna", "secret").status == 200);
  CHECK(f.log.has("login_failed from=127.0.0.1"));
  CHECK_FALSE(f.log.has("guess"));
}

TEST_CASE("from many addresses all together are limited, and what is remembered is bounded") {
  LoginLimit limit;
  const base::Instant now = base::Instant{} + 1000s;
  for (std::uint32_t i = 0; i < LoginLimit::kFromAll; ++i) {
    const std::string address = "192.0.2." + std::to_string(i);
    CHECK(limit.may_try(address, now));
    limit.note_failure(address, now);
  }
  CHECK_FALSE(limit.may_try("198.51.100.1", now));
  CHECK(limit.may_try("198.51.100.1", now + 61s));
}

TEST_CASE("a login ends by logout, by idleness, by age, and when there are too many") {
  Fixture f;
  const Response anna = f.login("anna", "secret");
  Request logout = f.order_as(anna);
  logout.path = "/api/v1/logout";
  CHECK(f.status(logout) == 200);
  CHECK(f.status(f.order_as(anna)) == 401);

  Logins logins;
  const base::Instant now = base::Instant{} + 1000s;
  const std::string id = logins.begin("anna", Role::Operator, now);
  CHECK(logins.find(id, now + 59min).has_value());
  CHECK(logins.find(id, now + 59min + 59min).has_value());
  CHECK_FALSE(logins.find(id, now + 59min + 59min + 61min).has_value());
  const std::string busy = logins.begin("anna", Role::Operator, now);
  for (int i = 1; i <= 14; ++i) logins.find(busy, now + i * 50min);
  CHECK(logins.find(busy, now + 12h).has_value());
  CHECK_FALSE(logins.find(busy, now + 12h + 1min).has_value());
  for (std::size_t i = 0; i < Logins::kKept + 10; ++i) logins.begin("anna", Role::Operator, now + 13h);
  CHECK(logins.size() == Logins::kKept);
  CHECK_FALSE(logins.find("", now).has_value());

  const std::string watched = logins.begin("anna", Role::Operator, now + 14h);
  const std::string login = logins.find(watched, now + 14h)->login;
  CHECK(logins.has(login, now + 14h + 30min));
  CHECK_FALSE(logins.has(login, now + 14h + 61min));  // looking was no use
  CHECK_FALSE(logins.has(watched, now + 14h));
}

TEST_CASE("bad login bodies are said, and cost no work") {
  Fixture f;
  for (const char* body : {"", "{}", "[]", "nonsense", R"({"name":"anna"})", R"({"name":1,"password":2})",
                           R"({"name":"","password":"x"})"}) {
    CAPTURE(body);
    CHECK(f.status(f.request(http::Method::Post, "/api/v1/login", body)) == 400);
  }
  CHECK(f.login("anna", std::string(2000, 'x')).status == 400);
  CHECK(f.checks == 0);
}

TEST_CASE("passwords and tokens") {
  const std::string hash = hash_password("correct horse");
  CHECK(is_password_hash(hash));
  CHECK(hash != hash_password("correct horse"));
  CHECK(is_password("correct horse", hash));
  CHECK_FALSE(is_password("correct horsE", hash));
  CHECK_FALSE(is_password("", hash));
  for (const char* bad : {"", "plain", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"}) {
    CHECK_FALSE(is_password("x", bad));
  }
  CHECK(hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(new_token() != new_token());
}
