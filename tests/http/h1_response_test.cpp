#include <doctest/doctest.h>

#include "http/h1_parser.h"
#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::http;
using namespace holdfast::tests;
using State = Parsed::State;
using Kind = Framing::Kind;

namespace {

struct Response {
  explicit Response(std::string_view text, Method method = Method::Get)
      : bytes(exact(text)), parsed(parse_response_head(view(bytes), 0, {}, method, head)) {}
  std::vector<char> bytes;
  ResponseHead head;
  Parsed parsed;
};

}  // namespace

TEST_CASE("where a response ends, and whether its connection lives on") {
  struct Row {
    const char* start;
    const char* fields;
    Method method;
    Kind kind;
    std::uint64_t length;
    bool keep_alive;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", Method::Get, Kind::Length, 5, true},
      {"HTTP/1.1 200 OK", "Content-Length: 0\r\n", Method::Get, Kind::None, 0, true},
      {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Method::Get, Kind::Chunked, 0, true},
      {"HTTP/1.1 200 OK", "", Method::Get, Kind::UntilClose, 0, false},
      {"HTTP/1.1 200 OK", "Connection: keep-alive\r\n", Method::Get, Kind::UntilClose, 0, false},
      {"HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: close\r\n", Method::Get, Kind::Length, 5, false},
      {"HTTP/1.0 200 OK", "Content-Length: 5\r\n", Method::Get, Kind::Length, 5, false},
      {"HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive\r\n", Method::Get, Kind::Length, 5, true},
      {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", Method::Head, Kind::None, 0, true},
      {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Method::Head, Kind::None, 0, true},
      {"HTTP/1.1 200 OK", "", Method::Head, Kind::None, 0, true},
      {"HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n", Method::Get, Kind::None, 0, true},
      {"HTTP/1.1 204 No Content", "", Method::Get, Kind::None, 0, true},
      {"HTTP/1.1 204 No Content", "Content-Length: 0\r\n", Method::Get, Kind::None, 0, true},
      {"HTTP/1.1 204 No Content", "Content-Length: 5\r\n", Method::Get, Kind::None, 0, false},
      {"HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n", Method::Get, Kind::None, 0, false},
      {"HTTP/1.1 100 Continue", "", Method::Post, Kind::None, 0, true},
      {"HTTP/1.1 101 Switching Protocols", "Connection: upgrade\r\nUpgrade: websocket\r\n", Method::Get, Kind::None, 0,
       true},
      {"HTTP/1.1 205 Reset Content", "Content-Length: 0\r\n", Method::Get, Kind::None, 0, true},
      {"HTTP/1.1 560 App", "Content-Length: 5\r\n", Method::Post, Kind::Length, 5, true},
  };
  for (const Row& row : rows) {
    INFO(row.start);
    INFO(row.fields);
    const Response response(std::string(row.start) + "\r\n" + row.fields + "\r\n", row.method);
    INFO(response.parsed.why);
    REQUIRE(response.parsed.state == State::Complete);
    CHECK(response.parsed.consumed == response.bytes.size());
    CHECK(response.head.framing.kind == row.kind);
    CHECK(response.head.framing.length == row.length);
    CHECK(response.head.keep_alive == row.keep_alive);
  }
}

TEST_CASE("status lines as apps send them") {
  struct Row {
    const char* line;
    std::uint16_t status;
    const char* reason;
    std::uint8_t minor;
  };
  for (const Row& row :
       {Row{"HTTP/1.1 200 OK", 200, "OK", 1}, Row{"HTTP/1.1 200 ", 200, "", 1}, Row{"HTTP/1.1 200", 200, "", 1},
        Row{"HTTP/1.0 404 Not Found", 404, "Not Found", 0}, Row{"HTTP/1.1 999 \xe4\t!", 999, "\xe4\t!", 1}}) {
    INFO(row.line);
    const Response response(std::string(row.line) + "\r\nContent-Length: 7\r\nSet-Cookie: a=b\r\n\r\n");
    REQUIRE(response.parsed.state == State::Complete);
    CHECK(response.head.status == row.status);
    CHECK(response.head.reason == row.reason);
    CHECK(response.head.minor == row.minor);
    CHECK(response.head.has_set_cookie);
    CHECK(response.head.has_content_length);
    CHECK(response.head.content_length == 7);
  }
}

TEST_CASE("the declared length is known where there is no body") {
  const Response response("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", Method::Head);
  CHECK(response.head.content_length == 12345);
  CHECK(response.head.has_content_length);
}

TEST_CASE("every cut of a response's head gives the same head; a wrong protocol shows at once") {
  const std::string text =
      "HTTP/1.1 200\r\nX-Long-Enough-For-A-Block: 0123456789abcdef\r\nContent-Length: 3\r\n\r\nabc";
  for (std::size_t cut = 0; cut < text.size() - 3; ++cut) {
    INFO(cut);
    ResponseHead head;
    const std::vector<char> part = exact(std::string_view(text).substr(0, cut));
    REQUIRE(parse_response_head(view(part), 0, {}, Method::Get, head).state == State::Incomplete);
    const Parsed parsed = parse_response_head(text, cut, {}, Method::Get, head);
    REQUIRE(parsed.state == State::Complete);
    CHECK(parsed.consumed == text.size() - 3);
    CHECK(head.fields.size() == 2);
  }
  CHECK(Response("SSH").parsed.state == State::Bad);
  CHECK(Response("HTTP/2").parsed.state == State::Bad);
}

TEST_CASE("an interim response with a body is refused before its body is read as a head") {
  CHECK(Response("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n").parsed.state == State::Bad);
  CHECK(Response("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n").parsed.state == State::Bad);
  CHECK(Response("HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n").parsed.state == State::Complete);
}

TEST_CASE("limits of a response's head") {
  ResponseHead head;
  const std::string text = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\n";
  CHECK(parse_response_head(text, 0, {text.size(), 2}, Method::Get, head).state == State::Complete);
  CHECK(parse_response_head(text, 0, {text.size() - 1, 2}, Method::Get, head).state == State::Bad);
  CHECK(parse_response_head(text, 0, {text.size(), 1}, Method::Get, head).state == State::Bad);
}
