#include "proxy/forward_headers.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tests/proxy/parsed.h"
#include "tests/support/text.h"

using namespace holdfast;
using holdfast::tests::has;
using proxy::ForwardContext;
using proxy::Scheme;
using proxy::Trust;
using proxy::test::Request;

namespace {

proxy::AddressBytes v4(const char* text) {
  proxy::AddressBytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  REQUIRE(inet_pton(AF_INET, text, &bytes[12]) == 1);
  return bytes;
}

// 10.0.0.0/8 and fd00::/8
const std::vector<conf::Cidr>& ours() {
  static const std::vector<conf::Cidr> ranges = [] {
    conf::Cidr ten{.prefix_bits = 104, .text = "10.0.0.0/8"};
    ten.bytes[10] = ten.bytes[11] = 0xff;
    ten.bytes[12] = 10;
    conf::Cidr local{.prefix_bits = 8, .text = "fd00::/8"};
    local.bytes[0] = 0xfd;
    return std::vector{ten, local};
  }();
  return ranges;
}

ForwardContext stranger() { return {.peer = "192.0.2.7", .peer_bytes = v4("192.0.2.7"), .listener_port = 8080}; }
ForwardContext trusted() {
  return {.peer = "10.0.0.9",
          .peer_bytes = v4("10.0.0.9"),
          .trust = Trust::Trusted,
          .trusted_proxies = ours(),
          .listener_port = 8080};
}

std::string sent(const std::string& lines, const ForwardContext& context) {
  const Request request(lines);
  std::string out;
  proxy::append_request_head(out, request.head, context);
  return out;
}

// All values of a field in the head, joined by '|'; "-" when there is none.
std::string values(const std::string& head, const std::string& name) {
  std::string out;
  for (std::size_t at = head.find("\r\n" + name + ": "); at != std::string::npos;
       at = head.find("\r\n" + name + ": ", at + 2)) {
    const std::size_t begin = at + 2 + name.size() + 2;
    out += (out.empty() ? "" : "|") + head.substr(begin, head.find("\r\n", begin) - begin);
  }
  return out.empty() && head.find("\r\n" + name + ":") == std::string::npos ? "-" : out;
}

}  // namespace

TEST_CASE("a stranger's request, whole") {
  CHECK(sent("GET /a?b=c HTTP/1.1\r\nUser-Agent: x\r\nhost: shop.example\r\nAccept:  */* \r\nConnection: keep-alive\r\n"
             "X-Forwarded-For: 1.2.3.4\r\nX-App: 1\r\nX-Forwarded-Proto: https\r\nX-Empty:\r\n",
             stranger()) ==
        "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: x\r\nAccept:  */*\r\nX-App: 1\r\nX-Empty:\r\n"
        "X-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
        "X-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Scheme: http\r\n\r\n");
}

TEST_CASE("the request line is in origin-form and HTTP/1.1, Host is what the client named") {
  struct Row {
    const char* in;
    const char* want;
  };
  const Row rows[] = {
      {"GET http://Shop.example:81/a?b HTTP/1.1\r\nHost: shop.example:81\r\n",
       "GET /a?b HTTP/1.1\r\nHost: Shop.example:81\r\n"},
      {"GET http://shop.example HTTP/1.1\r\nHost: shop.example\r\n", "GET / HTTP/1.1\r\nHost: shop.example\r\n"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n"},
      {"GET / HTTP/1.0\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"},
      {"GET /%2e%41;x//b HTTP/1.1\r\nHost: [::1]:80\r\n", "GET /%2e%41;x//b HTTP/1.1\r\nHost: [::1]:80\r\n"},
      {"PROPFIND / HTTP/1.1\r\nHost: a\r\n", "PROPFIND / HTTP/1.1\r\nHost: a\r\n"},
  };
  for (const Row& row : rows) {
    INFO(row.in);
    CHECK(sent(row.in, stranger()).starts_with(row.want));
  }
}

TEST_CASE("a request without Host gets the one it is given, and no word about what was not said") {
  ForwardContext context = stranger();
  CHECK(sent("GET / HTTP/1.0\r\n", context).starts_with("GET / HTTP/1.1\r\nHost: \r\n"));
  context.unnamed_host = "10.0.0.1:80";
  const std::string head = sent("GET / HTTP/1.0\r\n", context);
  CHECK(head.starts_with("GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\n"));
  CHECK(values(head, "X-Forwarded-Host") == "-");
  CHECK(values(head, "X-Forwarded-Port") == "8080");
}

TEST_CASE("fields that end here") {
  const std::string head = sent(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine, close\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\n"
      "Proxy-Connection: keep-alive\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nUpgrade: websocket\r\n"
      "Proxy-Authorization: Basic eA==\r\nProxy: http://evil/\r\nX-Holdfast-Moved: from=x\r\nX-Last: 1\r\n",
      stranger());
  for (const char* name : {"Connection", "Keep-Alive", "X-Mine", "Proxy-Connection", "TE", "Upgrade",
                           "Proxy-Authorization", "Proxy", "X-Holdfast-Moved"}) {
    INFO(name);
    CHECK(values(head, name) == "-");
  }
  CHECK(values(head, "X-Last") == "1");
  CHECK(values(head, "Transfer-Encoding") == "chunked");
  CHECK(head.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST_CASE("a stranger is not believed, however it spells it") {
  for (const char* line : {"X-Forwarded-For: 6.6.6.6",     "X-FORWARDED-FOR: 6.6.6.6",    "X_Forwarded_For: 6.6.6.6",
                           "X-Forwarded_For: 6.6.6.6",     "x_forwarded-for: 6.6.6.6",    "X-Real-IP: 6.6.6.6",
                           "X_Real_IP: 6.6.6.6",           "x-real_ip: 6.6.6.6",          "X-Forwarded-Proto: 6.6.6.6",
                           "X_FORWARDED_PROTO: 6.6.6.6",   "X-Forwarded-Host: 6.6.6.6",   "X-Forwarded-Port: 6.6.6.6",
                           "X-Forwarded-Scheme: 6.6.6.6",  "X-Forwarded-Server: 6.6.6.6", "X-Forwarded-Prefix: 6.6.6.6",
                           "X-Forwarded-User: 6.6.6.6",    "X_Forwarded_User: 6.6.6.6",   "Forwarded: for=6.6.6.6",
                           "X-Holdfast-Anything: 6.6.6.6", "X_Holdfast_Moved: 6.6.6.6"}) {
    for (const char* connection : {"", "Connection: X-Forwarded-For, X-Real-IP\r\n"}) {
      INFO(line);
      const std::string head =
          sent("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(connection) + line + "\r\nX-Last: 1\r\n", stranger());
      CHECK_FALSE(has(head, "6.6.6.6"));
      CHECK(values(head, "X-Forwarded-For") == "192.0.2.7");
      CHECK(values(head, "X-Real-IP") == "192.0.2.7");
      CHECK(values(head, "X-Last") == "1");
    }
  }
}

TEST_CASE("a trusted peer is believed and extended") {
  const std::string head = sent(
      "GET / HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 8443\r\nX-Forwarded-Scheme: https\r\nX-App: 1\r\n"
      "x-forwarded-for: 192.0.2.2, 10.1.1.1\r\nForwarded: for=192.0.2.1\r\nX-Forwarded-Prefix: /app\r\n"
      "X_Forwarded_For: 6.6.6.6\r\nX-Holdfast-Moved: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n",
      trusted());
  CHECK(values(head, "X-Forwarded-For") == "192.0.2.1, 192.0.2.2, 10.1.1.1, 10.0.0.9");
  CHECK(values(head, "x-forwarded-for") == "-");
  CHECK(values(head, "X-Real-IP") == "192.0.2.2");
  CHECK(values(head, "X-Forwarded-Proto") == "https");
  CHECK(values(head, "X-Forwarded-Host") == "shop.example");
  CHECK(values(head, "X-Forwarded-Port") == "8443");
  CHECK(values(head, "X-Forwarded-Scheme") == "https");
  CHECK(values(head, "X-Forwarded-Prefix") == "/app");
  CHECK(values(head, "Forwarded") == "for=192.0.2.1, for=10.0.0.9;proto=http");
  CHECK(values(head, "Host") == "inner");
  CHECK_FALSE(has(head, "6.6.6.6"));
}

TEST_CASE("what a trusted peer did not say follows from what it did") {
  struct Row {
    const char* why;
    const char* lines;
    const char* proto;
    const char* host;
    const char* port;
    const char* scheme;
  };
  const Row rows[] = {
      {"nothing said", "Host: a.example:8000\r\n", "http", "a.example:8000", "8000", "http"},
      {"a TLS terminator says the scheme alone", "Host: a.example\r\nX-Forwarded-Proto: https\r\n", "https",
       "a.example", "443", "https"},
      {"under its other name", "Host: a.example\r\nX-Forwarded-Scheme: https\r\n", "https", "a.example", "443",
       "https"},
      {"two in a row: the client's side counts", "Host: a\r\nX-Forwarded-Proto: https, http\r\n", "https, http", "a",
       "443", "https"},
      {"host with a port", "Host: a\r\nX-Forwarded-Host: b.example:81\r\n", "http", "b.example:81", "81", "http"},
      {"empty means not said", "Host: a\r\nX-Forwarded-Proto: \r\nX-Forwarded-Port:\r\n", "http", "a", "80", "http"},
      {"IPv6 without a port", "Host: [2001:db8::1]\r\n", "http", "[2001:db8::1]", "80", "http"},
      {"IPv6 with a port", "Host: [2001:db8::1]:81\r\n", "http", "[2001:db8::1]:81", "81", "http"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const std::string head = sent("GET / HTTP/1.1\r\n" + std::string(row.lines), trusted());
    CHECK(values(head, "X-Forwarded-Proto") == row.proto);
    CHECK(values(head, "X-Forwarded-Host") == row.host);
    CHECK(values(head, "X-Forwarded-Port") == row.port);
    CHECK(values(head, "X-Forwarded-Scheme") == row.scheme);
    CHECK(head.find("X-Forwarded-Port:") == head.rfind("X-Forwarded-Port:"));
  }
}

TEST_CASE("behind TLS of our own") {
  ForwardContext context = stranger();
  context.scheme = Scheme::Https;
  const std::string head = sent("GET / HTTP/1.1\r\nHost: a\r\n", context);
  CHECK(values(head, "X-Forwarded-Proto") == "https");
  CHECK(values(head, "X-Forwarded-Scheme") == "https");
  CHECK(values(head, "X-Forwarded-Port") == "443");
}

TEST_CASE("where a request really came from") {
  struct Row {
    const char* why;
    const char* lines;
    const char* want;
  };
  const Row rows[] = {
      {"no chain", "", "10.0.0.9"},
      {"one entry", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
      {"what the client itself put there is not believed", "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1"},
      {"trusted ones in between", "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.1.1.1,10.2.2.2\r\n", "192.0.2.1"},
      {"over several fields", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.1.1.1\r\n", "192.0.2.1"},
      {"the last field is the nearest", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
      {"all trusted: the furthest", "X-Forwarded-For: 10.3.3.3, 10.2.2.2\r\n", "10.3.3.3"},
      {"what is no address ends the walk", "X-Forwarded-For: 192.0.2.1, unknown, 10.2.2.2\r\n", "10.2.2.2"},
      {"at once", "X-Forwarded-For: 192.0.2.1, _hidden\r\n", "10.0.0.9"},
      {"over several fields", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: unknown\r\nX-Forwarded-For: 10.2.2.2\r\n",
       "10.2.2.2"},
      {"empty elements do not count", "X-Forwarded-For: 192.0.2.1, , \r\nX-Forwarded-For:\r\n", "192.0.2.1"},
      {"with a port", "X-Forwarded-For: 192.0.2.1:1234\r\n", "192.0.2.1"},
      {"IPv6", "X-Forwarded-For: 2001:db8::1, fd00::1\r\n", "2001:db8::1"},
      {"IPv6 in brackets", "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1"},
      {"IPv6 with a port", "X-Forwarded-For: [2001:db8::1]:99\r\n", "2001:db8::1"},
      {"mapped IPv4 is IPv4", "X-Forwarded-For: 192.0.2.1, ::ffff:10.1.1.1\r\n", "192.0.2.1"},
      {"X-Real-IP alone", "X-Real-IP: 192.0.2.5\r\n", "192.0.2.5"},
      {"X-Real-IP that is none", "X-Real-IP: nobody\r\n", "10.0.0.9"},
      {"the chain outweighs X-Real-IP", "X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
      {"a chain of trusted ones, too", "X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 10.2.2.2\r\n", "10.2.2.2"},
      {"too long for an address", "X-Forwarded-For: 1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111\r\n",
       "10.0.0.9"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Request request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(row.lines));
    CHECK(proxy::origin_of(request.head, trusted()).text == row.want);
    const proxy::Origin peer = proxy::origin_of(request.head, stranger());
    CHECK(peer.text == "192.0.2.7");
    CHECK(peer.bytes == v4("192.0.2.7"));
  }
  const Request request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1:80\r\n");
  CHECK(proxy::origin_of(request.head, trusted()).bytes == v4("192.0.2.1"));
}

TEST_CASE("trust goes by range") {
  CHECK(proxy::trust_of(ours(), v4("10.255.0.1")) == Trust::Trusted);
  CHECK(proxy::trust_of(ours(), v4("11.0.0.1")) == Trust::Stranger);
  CHECK(proxy::trust_of({}, v4("10.0.0.1")) == Trust::Stranger);
}

TEST_CASE("the app never sees our cookie") {
  struct Row {
    const char* in;
    const char* want;
  };
  const Row rows[] = {
      {"Cookie: a=1; holdfast=xyz; b=2\r\n", "a=1; b=2"},
      {"Cookie: holdfast=xyz\r\n", "-"},
      {"Cookie: a=1\r\nCookie: holdfast=xyz\r\nCookie: b=2\r\n", "a=1|b=2"},
      {"Cookie: a=holdfast; notholdfast=1\r\n", "a=holdfast; notholdfast=1"},
      {"Cookie: holdfast=1; holdfast=2; c=3\r\n", "c=3"},
  };
  ForwardContext context = stranger();
  for (const Row& row : rows) {
    INFO(row.in);
    const std::string lines = "GET / HTTP/1.1\r\nHost: a\r\nX-Before: 1\r\n" + std::string(row.in) + "X-After: 1\r\n";
    context.own_cookie = "holdfast";
    const std::string head = sent(lines, context);
    CHECK(values(head, "Cookie") == row.want);
    CHECK(values(head, "X-After") == "1");
    CHECK(head.starts_with("GET / HTTP/1.1\r\nHost: a\r\nX-Before: 1\r\n"));  // in their order
    context.own_cookie = {};
    CHECK(has(sent(lines, context), row.in));
  }
}

TEST_CASE("framing: one kind, never both") {
  struct Row {
    const char* lines;
    const char* length;
    const char* coding;
  };
  for (const Row& row :
       {Row{"", "-", "-"}, Row{"Content-Length: 0\r\n", "0", "-"}, Row{"Content-Length: 42\r\n", "42", "-"},
        Row{"content-length: 42\r\n", "42", "-"}, Row{"transfer-encoding: Chunked\r\n", "-", "chunked"}}) {
    INFO(row.lines);
    const std::string head = sent("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.lines), stranger());
    CHECK(values(head, "Content-Length") == row.length);
    CHECK(values(head, "Transfer-Encoding") == row.coding);
    CHECK(values(head, "content-length") == "-");
    CHECK(values(head, "transfer-encoding") == "-");
  }
}

TEST_CASE("framing: chunked wins over a length that should not be there") {
  Request request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n");
  request.head.has_content_length = true;
  std::string head;
  proxy::append_request_head(head, request.head, stranger());
  CHECK(values(head, "Content-Length") == "-");
  CHECK(values(head, "Transfer-Encoding") == "chunked");
}

TEST_CASE("a wish to upgrade is passed on, to another HTTP it is not") {
  const std::string lines =
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\n";
  const std::string head = sent(lines + "Upgrade: websocket\r\n", stranger());
  CHECK(head.ends_with("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  CHECK(values(head, "Sec-WebSocket-Key") == "k");
  const std::string h2c = sent(lines + "Upgrade: h2c\r\nHTTP2-Settings: x\r\n", stranger());
  CHECK(values(h2c, "Connection") == "-");
  CHECK(values(h2c, "Upgrade") == "-");
  CHECK(values(h2c, "HTTP2-Settings") == "-");
}

TEST_CASE("Expect is passed on, but HTTP/1.0 cannot mean it") {
  CHECK(values(sent("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", stranger()),
               "Expect") == "100-continue");
  CHECK(values(sent("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", stranger()),
               "Expect") == "-");
}

TEST_CASE("the app is told of a move") {
  const Request request("GET / HTTP/1.1\r\nHost: a\r\n");
  std::string out;
  proxy::append_request_head(out, request.head, stranger());
  const std::string before = out;
  proxy::append_moved_note(out, "app1", "down");
  CHECK(out == before.substr(0, before.size() - 2) + "X-Holdfast-Moved: from=app1; reason=down\r\n\r\n");
}

TEST_CASE("heads are appended and allocate nothing once there is room") {
  const Request request("GET / HTTP/1.1\r\nHost: a\r\nCookie: holdfast=1; a=2\r\n");
  ForwardContext context = stranger();
  context.own_cookie = "holdfast";
  std::string out = "before";
  out.reserve(1024);
  const char* const place = out.data();
  proxy::append_request_head(out, request.head, context);
  CHECK(out.starts_with("beforeGET / HTTP/1.1\r\n"));
  CHECK(out.data() == place);
}

TEST_CASE("the request's id: a trusted proxy's if it is plain, else ours; a stranger's never") {
  struct Row {
    const char* why;
    bool is_trusted;
    std::string lines;
    std::string want;
  };
  const Row rows[] = {
      {"none", false, "", "ours"},
      {"a stranger's", false, "X-Request-Id: theirs\r\n", "ours"},
      {"a stranger's, in disguise", false, "X_Request_Id: theirs\r\n", "ours"},
      {"a trusted proxy's", true, "x-request-id: theirs\r\n", "theirs"},
      {"a trusted proxy sends none", true, "", "ours"},
      {"empty", true, "X-Request-Id:\r\n", "ours"},
      {"not one word", true, "X-Request-Id: a b\r\n", "ours"},
      {"a quote", true, "X-Request-Id: a\"b\r\n", "ours"},
      {"as long as may be", true, "X-Request-Id: " + std::string(128, 'x') + "\r\n", std::string(128, 'x')},
      {"longer", true, "X-Request-Id: " + std::string(129, 'x') + "\r\n", "ours"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    ForwardContext context = row.is_trusted ? trusted() : stranger();
    context.request_id = "ours";
    const Request request("GET / HTTP/1.1\r\nHost: shop\r\n" + row.lines);
    std::string out = "kept";
    const proxy::TextRange at = proxy::append_request_head(out, request.head, context);
    CHECK(values(out, "X-Request-Id") == row.want);
    CHECK(out.substr(at.at, at.size) == row.want);
    CHECK_FALSE(has(out, "X_Request_Id"));
  }
}

TEST_CASE("a traceparent passes; where it is missing, one is begun if that is wanted") {
  constexpr const char* kTheirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  const std::string with =
      "GET / HTTP/1.1\r\nHost: shop\r\ntraceparent: " + std::string(kTheirs) + "\r\ntracestate: a=b\r\n";
  const std::string without = "GET / HTTP/1.1\r\nHost: shop\r\n";
  ForwardContext starts = stranger();
  starts.traceparent = "00-ours";
  CHECK(values(sent(with, stranger()), "traceparent") == kTheirs);
  CHECK(values(sent(with, starts), "traceparent") == kTheirs);
  CHECK(values(sent(with, starts), "tracestate") == "a=b");
  CHECK(values(sent(without, stranger()), "traceparent") == "-");
  CHECK(values(sent(without, starts), "traceparent") == "00-ours");
}
