// All endpoints, through the server that stands before them.
#include "admin/endpoints.h"

#include <doctest/doctest.h>

#include "tests/admin/fake_services.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::admin;
using holdfast::tests::has;
using web::body_of;
using web::get;

namespace {

struct Fixture : FakeServices {
  static web::Router router(const Services& services) {
    web::Router made = make_router(services);
    made.set_filter({});  // access_test is about who may ask
    return made;
  }
  std::string talk(std::string_view bytes) { return server.talk(bytes); }

  web::WebServer server{loop, router(all())};
};

bool begins(const std::string& text, const std::string& start) { return text.starts_with(start); }

}  // namespace

TEST_CASE("every endpoint answers with its type and is guarded") {
  struct Row {
    const char* path;
    const char* type;
    const char* part;
  };
  const Row rows[] = {{"/livez", "text/plain; charset=utf-8", "alive"},
                      {"/readyz", "text/plain; charset=utf-8", "ready"},
                      {"/api/v1/status", "application/json", "\"node\":\"lb1\""},
                      {"/api/v1/status?x=1", "application/json", "\"node\":\"lb1\""},
                      {"/metrics", "text/plain; version=0.0.4; charset=utf-8", "holdfast_ready 1"},
                      {"/", "text/html; charset=utf-8", "<!doctype html>"},
                      {"/plain", "text/html; charset=utf-8", "<!doctype html>"},
                      {"/api/v1/config", "text/plain; charset=utf-8", "# redacted"},
                      {"/api/v1/history", "application/json", "{"},
                      {"/api/v1/events", "application/json", "{"},
                      {"/api/v1/openapi.json", "application/json", "{"},
                      {"/api/v1/me", "application/json", "{"}};
  Fixture f;
  for (const Row& row : rows) {
    INFO(std::string(row.path));
    const std::string response = f.talk(get(row.path));
    CHECK(begins(response, "HTTP/1.1 200 OK\r\n"));
    CHECK(has(response, std::string("\r\nContent-Type: ") + row.type + "\r\n"));
    CHECK(has(response, "\r\nCache-Control: no-store\r\n"));
    CHECK(has(response, "\r\nX-Content-Type-Options: nosniff\r\n"));
    CHECK(has(response, "\r\nContent-Security-Policy: default-src 'none';"));
    CHECK(has(response, "\r\nContent-Length: " + std::to_string(body_of(response).size()) + "\r\n"));
    CHECK(has(body_of(response), row.part));
  }
}

TEST_CASE("not ready says why, and stays alive") {
  Fixture f;
  f.source.view.readiness = {.ready = false, .reason = "stopping"};
  const std::string response = f.talk(get("/readyz"));
  CHECK(begins(response, "HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(body_of(response) == "stopping\n");
  CHECK(begins(f.talk(get("/livez")), "HTTP/1.1 200 "));
}
