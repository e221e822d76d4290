#include "proxy/response_headers.h"

#include <doctest/doctest.h>

#include "tests/proxy/parsed.h"

using namespace holdfast;
using http::Method;
using proxy::After;
using proxy::ResponseContext;
using proxy::test::Response;
using Kind = http::Framing::Kind;

namespace {

std::string sent(const Response& response, ResponseContext context = {}, After wanted = After::KeepAlive) {
  context.plan = proxy::plan_response(response.head, context.client_minor, wanted);
  std::string out;
  proxy::append_response_head(out, response.head, context);
  return out;
}

}  // namespace

TEST_CASE("framing and fate of the connection, for each client") {
  struct Row {
    const char* why;
    Method request;
    const char* response;
    std::uint8_t client_minor;
    After wanted;
    Kind framing;
    After after;
    const char* want;  // of the head, after the Server field
  };
  constexpr auto kKeep = After::KeepAlive;
  constexpr auto kClose = After::Close;
  const char* const length = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n";
  const char* const chunked = "HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n";
  const char* const until_close = "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\n";
  const char* const empty = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n";
  const char* const no_content = "HTTP/1.1 204 No Content\r\nServer: x\r\n";
  const char* const not_modified = "HTTP/1.1 304 Not Modified\r\nServer: x\r\nContent-Length: 77\r\n";
  const Row rows[] = {
      {"length", Method::Get, length, 1, kKeep, Kind::Length, kKeep, "Content-Length: 5\r\n"},
      {"length, closing", Method::Get, length, 1, kClose, Kind::Length, kClose,
       "Content-Length: 5\r\nConnection: close\r\n"},
      {"length, 1.0", Method::Get, length, 0, kKeep, Kind::Length, kKeep,
       "Content-Length: 5\r\nConnection: keep-alive\r\n"},
      {"length, 1.0, closing", Method::Get, length, 0, kClose, Kind::Length, kClose,
       "Content-Length: 5\r\nConnection: close\r\n"},
      {"no length given is a length", Method::Get, empty, 1, kKeep, Kind::None, kKeep, "Content-Length: 0\r\n"},
      {"chunked", Method::Get, chunked, 1, kKeep, Kind::Chunked, kKeep, "Transfer-Encoding: chunked\r\n"},
      {"chunked, closing", Method::Get, chunked, 1, kClose, Kind::Chunked, kClose,
       "Transfer-Encoding: chunked\r\nConnection: close\r\n"},
      {"chunked, 1.0", Method::Get, chunked, 0, kKeep, Kind::UntilClose, kClose, "Connection: close\r\n"},
      {"until close becomes chunks", Method::Get, until_close, 1, kKeep, Kind::Chunked, kKeep,
       "Transfer-Encoding: chunked\r\n"},
      {"until close, 1.0", Method::Get, until_close, 0, kKeep, Kind::UntilClose, kClose, "Connection: close\r\n"},
      {"HEAD keeps its length", Method::Head, length, 1, kKeep, Kind::None, kKeep, "Content-Length: 5\r\n"},
      {"HEAD of chunks", Method::Head, chunked, 1, kKeep, Kind::None, kKeep, ""},
      {"HEAD, 1.0", Method::Head, chunked, 0, kKeep, Kind::None, kKeep, "Connection: keep-alive\r\n"},
      {"204", Method::Get, no_content, 1, kKeep, Kind::None, kKeep, ""},
      {"304 keeps its length", Method::Get, not_modified, 1, kKeep, Kind::None, kKeep, "Content-Length: 77\r\n"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Response response(row.response, row.request);
    const proxy::ResponsePlan plan = proxy::plan_response(response.head, row.client_minor, row.wanted);
    CHECK(plan.framing == row.framing);
    CHECK(plan.after == row.after);
    const std::string out = sent(response, {.client_minor = row.client_minor}, row.wanted);
    CHECK(out.substr(out.find("Server: x\r\n") + 11) == std::string(row.want) + "\r\n");
  }
}

TEST_CASE("a 204 has no length, whatever it says") {
  http::ResponseHead head;
  head.status = 204;
  head.reason = "No Content";
  head.has_content_length = true;
  head.content_length = 5;
  std::string out;
  proxy::append_response_head(out, head, {});
  CHECK(out == "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE("a response that ends with the connection has no length") {
  Response response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
  response.head.has_content_length = true;
  CHECK(sent(response, {.client_minor = 0}) == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST_CASE("status and reason are the backend's, the version ours") {
  struct Row {
    const char* in;
    const char* want;
  };
  for (const Row& row :
       {Row{"HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\n"}, Row{"HTTP/1.1 200 Fine", "HTTP/1.1 200 Fine\r\n"},
        Row{"HTTP/1.1 560 Microflow failed", "HTTP/1.1 560 Microflow failed\r\n"},
        Row{"HTTP/1.1 404 ", "HTTP/1.1 404 \r\n"}}) {
    INFO(row.in);
    CHECK(sent(Response(std::string(row.in) + "\r\nContent-Length: 1\r\n")).starts_with(row.want));
  }
}

TEST_CASE("fields that end here, and fields that pass in their order") {
  const Response response(
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nConnection: X-Mine, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\n"
      "Set-Cookie: b=2\r\nX-Holdfast-Release: now\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nContent-Length: 1\r\n"
      "WWW-Authenticate: NTLM\r\nX-Forwarded-Thing: app's own\r\nDate: Sat, 31 Jan 2026 12:00:00 GMT\r\n");
  CHECK(sent(response, {.set_cookie_line = "Set-Cookie: holdfast=x\r\n", .date = "now"}) ==
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nWWW-Authenticate: NTLM\r\n"
        "X-Forwarded-Thing: app's own\r\nDate: Sat, 31 Jan 2026 12:00:00 GMT\r\nSet-Cookie: holdfast=x\r\n"
        "Content-Length: 1\r\n\r\n");
}

TEST_CASE("a response without Date gets one") {
  CHECK(sent(Response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"), {.date = "Sat, 31 Jan 2026 12:00:00 GMT"}) ==
        "HTTP/1.1 200 OK\r\nDate: Sat, 31 Jan 2026 12:00:00 GMT\r\nContent-Length: 1\r\n\r\n");
}

TEST_CASE("a protocol is switched with its name") {
  const Response response(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: k\r\n");
  CHECK(sent(response, {}, After::Close) ==
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "\r\n");
  const Response required(
      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n");
  CHECK(sent(required) ==
        "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  CHECK(sent(required, {}, After::Close).ends_with("Upgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n"));
}

TEST_CASE("interim responses carry end-to-end fields and no framing") {
  const auto interim = [](const char* lines) {
    const Response response(lines);
    std::string out;
    proxy::append_interim_head(out, response.head);
    return out;
  };
  CHECK(interim("HTTP/1.1 100 Continue\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(
      interim("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Mine\r\nX-Mine: 1\r\nX-Holdfast-A: 1\r\n") ==
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
}
