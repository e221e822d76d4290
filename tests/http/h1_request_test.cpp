#include <doctest/doctest.h>

#include "http/h1_parser.h"
#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::http;
using namespace holdfast::tests;
using State = Parsed::State;

namespace {

/// A head and the bytes its views point into.
struct Request {
  explicit Request(std::string_view text) : bytes(exact(text)), parsed(parse_request_head(view(bytes), 0, {}, head)) {}
  std::vector<char> bytes;
  RequestHead head;
  Parsed parsed;
};

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: shop\r\n" + fields + "\r\n"; }

}  // namespace

TEST_CASE("request targets") {
  struct Row {
    const char* line;
    const char* fields;
    const char* path;
    const char* query;
    const char* authority;
    const char* host;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1", "Host: a\r\n", "/", "", "a", "a"},
      {"GET /x/y?b=/../c HTTP/1.1", "Host: A:80\r\n", "/x/y", "?b=/../c", "A:80", "A"},
      {"GET /? HTTP/1.1", "Host: [::1]:8080\r\n", "/", "?", "[::1]:8080", "::1"},
      {"GET http://a/x?y HTTP/1.1", "Host: A\r\n", "/x", "?y", "a", "a"},
      {"GET http://a:80/x HTTP/1.1", "Host: a\r\n", "/x", "", "a:80", "a"},
      {"GET https://a/x HTTP/1.1", "Host: a:443\r\n", "/x", "", "a", "a"},
      {"GET HTTP://a HTTP/1.1", "Host: a\r\n", "/", "", "a", "a"},
      {"GET http://a?q HTTP/1.1", "Host: a\r\n", "/", "?q", "a", "a"},
      {"OPTIONS http://a HTTP/1.1", "Host: a\r\n", "*", "", "a", "a"},
      {"OPTIONS http://a/ HTTP/1.1", "Host: a\r\n", "/", "", "a", "a"},
      {"OPTIONS * HTTP/1.1", "Host: a\r\n", "*", "", "a", "a"},
      {"GET /x HTTP/1.0", "", "/x", "", "", ""},
      {"GET http://a/x HTTP/1.0", "", "/x", "", "a", "a"},
      {"GET //x HTTP/1.1", "Host: a\r\n", "//x", "", "a", "a"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    const Request request(std::string(row.line) + "\r\n" + row.fields + "\r\n");
    INFO(request.parsed.why);
    REQUIRE(request.parsed.state == State::Complete);
    CHECK(request.parsed.consumed == request.bytes.size());
    CHECK(request.head.path == row.path);
    CHECK(request.head.query == row.query);
    CHECK(request.head.authority == row.authority);
    CHECK(request.head.host == row.host);
  }
}

TEST_CASE("https and http differ in their default port") {
  CHECK(Request("GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n").parsed.state == State::Bad);
  CHECK(Request("GET http://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n").parsed.state == State::Bad);
}

TEST_CASE("methods") {
  struct Row {
    const char* text;
    Method want;
  };
  for (const Row& row : {Row{"GET", Method::Get}, Row{"HEAD", Method::Head}, Row{"POST", Method::Post},
                         Row{"PUT", Method::Put}, Row{"DELETE", Method::Delete}, Row{"OPTIONS", Method::Options},
                         Row{"PATCH", Method::Patch}, Row{"PROPFIND", Method::Other}, Row{"get-it", Method::Other}}) {
    INFO(row.text);
    const Request request(std::string(row.text) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(request.parsed.state == State::Complete);
    CHECK(request.head.method == row.want);
    CHECK(request.head.method_text == row.text);
  }
}

TEST_CASE("what the fields of a request come to") {
  struct Row {
    const char* fields;
    Framing::Kind framing;
    std::uint64_t length;
    bool has_length, keep_alive, expects, upgrade;
  };
  using Kind = Framing::Kind;
  const Row rows[] = {
      {"", Kind::None, 0, false, true, false, false},
      {"Content-Length: 0\r\n", Kind::None, 0, true, true, false, false},
      {"Content-Length: 9223372036854775807\r\n", Kind::Length, 9223372036854775807u, true, true, false, false},
      {"Transfer-Encoding: Chunked\r\n", Kind::Chunked, 0, false, true, false, false},
      {"Connection: close\r\n", Kind::None, 0, false, false, false, false},
      {"Connection: keep-alive, CLOSE\r\n", Kind::None, 0, false, false, false, false},
      {"Connection: keep-alive\r\nConnection: close\r\n", Kind::None, 0, false, false, false, false},
      {"Content-Length: 1\r\nExpect: 100-CONTINUE\r\n", Kind::Length, 1, true, true, true, false},
      {"Expect: 100-continue\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade: websocket\r\n", Kind::None, 0, false, true, false, true},
      {"Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n", Kind::None, 0, false, true, false, true},
      {"Connection: upgrade\r\nUpgrade: IRC/6.9, foo\r\n", Kind::None, 0, false, true, false, true},
      {"Connection: upgrade\r\n", Kind::None, 0, false, true, false, false},
      {"Upgrade: websocket\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade: h2c\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", Kind::None, 0, false, true, false, false},
      {"Connection: upgrade\r\nUpgrade:\r\n", Kind::None, 0, false, true, false, false},
  };
  for (const Row& row : rows) {
    INFO(row.fields);
    const Request request(get(row.fields));
    INFO(request.parsed.why);
    REQUIRE(request.parsed.state == State::Complete);
    CHECK(request.head.framing.kind == row.framing);
    CHECK(request.head.framing.length == row.length);
    CHECK(request.head.has_content_length == row.has_length);
    CHECK(request.head.keep_alive == row.keep_alive);
    CHECK(request.head.expects_continue == row.expects);
    CHECK(request.head.wants_upgrade == row.upgrade);
  }
}

TEST_CASE("HTTP/1.0: closes by default, knows neither upgrade nor expectations") {
  const auto old = [](const std::string& fields) { return Request("GET / HTTP/1.0\r\n" + fields + "\r\n"); };
  CHECK_FALSE(old("").head.keep_alive);
  CHECK(old("Connection: Keep-Alive\r\n").head.keep_alive);
  CHECK_FALSE(old("Connection: keep-alive, close\r\n").head.keep_alive);
  CHECK_FALSE(old("Connection: upgrade\r\nUpgrade: websocket\r\n").head.wants_upgrade);
  CHECK_FALSE(old("Content-Length: 1\r\nExpect: 100-continue\r\n").head.expects_continue);
  CHECK(old("").head.minor == 0);
}

TEST_CASE("fields are views, trimmed, in order, with their ids") {
  const Request request(get("X-Odd: \t a b\t \r\ncookie:c=d\r\nConnection: x-odd\r\nX_Real_IP: 1\r\n"));
  REQUIRE(request.parsed.state == State::Complete);
  REQUIRE(request.head.fields.size() == 5);
  const std::vector<Field>& fields = request.head.fields;
  CHECK(fields[1].name == "X-Odd");
  CHECK(fields[1].value == "a b");
  CHECK(fields[1].hop_by_hop);
  CHECK(fields[2].id == FieldId::Cookie);
  CHECK(fields[2].value == "c=d");
  CHECK_FALSE(fields[2].hop_by_hop);
  CHECK(fields[3].hop_by_hop);
  CHECK(fields[4].hop_by_hop);
  CHECK(request.head.has_cookie);
}

TEST_CASE("what follows the head is left alone") {
  const Request request("\r\n" + get("") + "GET /next HTTP/1.1\r\n");
  REQUIRE(request.parsed.state == State::Complete);
  CHECK(request.parsed.consumed == get("").size() + 2);
}

TEST_CASE("limits: the last byte and the last field that fit, and one more") {
  RequestHead head;
  const std::string text = get("X: y\r\n");
  CHECK(parse_request_head(text, 0, {text.size(), 128}, head).state == State::Complete);
  const Parsed too_long = parse_request_head(text, 0, {text.size() - 1, 128}, head);
  CHECK(too_long.state == State::Bad);
  CHECK(too_long.status == 431);
  CHECK(parse_request_head(text, 0, {32768, 2}, head).state == State::Complete);
  CHECK(parse_request_head(text, 0, {32768, 1}, head).status == 431);
  CHECK(parse_request_head(text.substr(0, 10), 0, {10, 128}, head).status == 414);
  CHECK(parse_request_head("\r\n" + text.substr(0, 8), 0, {10, 128}, head).status == 414);
  CHECK(parse_request_head(text.substr(0, 9), 0, {10, 128}, head).state == State::Incomplete);
  CHECK(parse_request_head("GET / HTTP/1.1\r\n", 0, {16, 128}, head).status == 431);
}

TEST_CASE("every cut of a head gives the same head") {
  const std::string text =
      "\r\nPOST http://shop/a?b HTTP/1.1\r\nHost: shop\r\nX-Long-Enough-For-A-Block: 0123456789abcdef\r\n"
      "Connection: X-Hop\r\nX-Hop:\r\nContent-Length: 3\r\n\r\nabc";
  const std::vector<char> bytes = exact(text);
  for (std::size_t cut = 0; cut < text.size() - 3; ++cut) {
    INFO(cut);
    RequestHead head;
    const std::vector<char> part = exact(view(bytes).substr(0, cut));
    REQUIRE(parse_request_head(view(part), 0, {}, head).state == State::Incomplete);
    const Parsed parsed = parse_request_head(view(bytes), cut, {}, head);
    REQUIRE(parsed.state == State::Complete);
    CHECK(parsed.consumed == text.size() - 3);
    CHECK(forwarded_fields(head.fields) ==
          "Host: shop\r\nX-Long-Enough-For-A-Block: 0123456789abcdef\r\nContent-Length: 3\r\n");
  }
}

TEST_CASE("a fault shows with its line, not with the end of the head") {
  for (const char* text :
       {"GET / HTTP/1.1\r\nX : y\r\n", "GET  /", "GET / HTTP/2.0\r\n", "\x16\x03\x01", "GET /#", "G(",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\n", "GET /%00 HTTP/1.1\r\n"}) {
    INFO(text);
    CHECK(Request(text).parsed.state == State::Bad);
  }
}

TEST_CASE("a slow sender costs a parse a line, not a parse a byte") {
  std::string text = "GET / HTTP/1.1\r\nHost: shop\r\nX: ";
  RequestHead head;
  REQUIRE(parse_request_head(text, 0, {}, head).state == State::Incomplete);
  head.target = "untouched";  // a parse would overwrite it
  for (int i = 0; i < 1000; ++i) {
    const std::size_t searched = text.size();
    text += 'y';
    REQUIRE(parse_request_head(text, searched, {}, head).state == State::Incomplete);
    REQUIRE(head.target == "untouched");
  }
  text += "\r\n\r\n";
  CHECK(parse_request_head(text, text.size() - 4, {}, head).state == State::Complete);
  CHECK(head.target == "/");
}

TEST_CASE("a head is used again without new memory") {
  RequestHead head;
  const std::string text = get("A: 1\r\nB: 2\r\nC: 3\r\nCookie: d\r\nConnection: close\r\n");
  REQUIRE(parse_request_head(text, 0, {}, head).state == State::Complete);
  const Field* const before = head.fields.data();
  const std::string other = "GET /x HTTP/1.1\r\nHost: b\r\n\r\n";
  REQUIRE(parse_request_head(other, 0, {}, head).state == State::Complete);
  CHECK(head.fields.data() == before);
  CHECK(head.fields.size() == 1);
  CHECK_FALSE(head.has_cookie);
  CHECK(head.keep_alive);
}
