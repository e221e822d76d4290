#include "web/message.h"

#include <doctest/doctest.h>

#include "tests/web/web_client.h"
#include "web/router.h"

using namespace holdfast;
using namespace holdfast::web;

namespace {

constexpr base::WallTime kEpoch{};

}  // namespace

TEST_CASE("a response's bytes: every head is guarded, HEAD leaves the body out") {
  Response response = text_response(405, "no");
  response.allow = "GET, HEAD";
  const std::string head =
      "HTTP/1.1 405 Method Not Allowed\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nAllow: GET, HEAD\r\n";
  CHECK(wire_text(response, kEpoch, AfterResponse::Close, BodyPart::Sent) == head + "Connection: close\r\n\r\nno\n");
  CHECK(wire_text(response, kEpoch, AfterResponse::KeepOpen, BodyPart::LeftOut) ==
        head + "Connection: keep-alive\r\n\r\n");
}

TEST_CASE("a router knows its paths byte for byte and its methods by name") {
  Router router;
  const auto responding = [](std::string_view word) {
    return [word](const Request&) { return text_response(200, word); };
  };
  router.add(http::Method::Get, "/thing", responding("got"));
  router.add(http::Method::Post, "/thing", responding("posted"));
  router.add(http::Method::Post, "/act", responding("acted"));
  using http::Method;
  struct Row {
    Method method;
    const char* path;
    std::uint16_t status;
    const char* body_or_allow;
  };
  const Row rows[] = {{Method::Get, "/thing", 200, "got\n"},
                      {Method::Head, "/thing", 200, "got\n"},
                      {Method::Post, "/thing", 200, "posted\n"},
                      {Method::Delete, "/thing", 405, "GET, HEAD, POST"},
                      {Method::Other, "/thing", 405, "GET, HEAD, POST"},
                      {Method::Get, "/act", 405, "POST"},
                      {Method::Head, "/act", 405, "POST"},
                      {Method::Get, "/thing/", 404, ""},
                      {Method::Get, "/Thing", 404, ""},
                      {Method::Get, "//thing", 404, ""},
                      {Method::Get, "/./thing", 404, ""},
                      {Method::Get, "/x/../thing", 404, ""},
                      {Method::Get, "/%74hing", 404, ""},
                      {Method::Get, "*", 404, ""}};
  for (const Row& row : rows) {
    INFO(std::string(row.path));
    Request request;
    request.method = row.method;
    request.path = row.path;
    const Response response = response_of(router, request);
    CHECK(response.status == row.status);
    if (row.status == 200) CHECK(response.body == row.body_or_allow);
    if (row.status != 200) CHECK(response.allow == row.body_or_allow);
  }
}

TEST_CASE("request fields are found as HTTP compares names, the first one wins") {
  Request request;
  request.fields = {{"Accept", "a"}, {"ACCEPT", "b"}};
  CHECK(request.field("accept") == "a");
  CHECK(request.field("origin").empty());
}

TEST_CASE("names in a path are decoded, once") {
  Router router;
  router.add(http::Method::Get, "/backends/{name}/state",
             [](const Request& request) { return text_response(200, request.captures[0]); });
  const auto ask = [&](const char* path) {
    Request request;
    request.method = http::Method::Get;
    request.path = path;
    return response_of(router, request).body;
  };
  CHECK(ask("/backends/127.0.0.1:80/state") == "127.0.0.1:80\n");
  CHECK(ask("/backends/%5B::1%5d:80/state") == "[::1]:80\n");
  CHECK(ask("/backends/a%255B/state") == "a%5B\n");
  CHECK(ask("/backends/a%5/state") == "a%5\n");
  CHECK(ask("/backends/a%zz/state") == "a%zz\n");
}
