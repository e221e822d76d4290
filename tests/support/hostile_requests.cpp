#include "tests/support/hostile_rows.h"

namespace holdfast::tests {

namespace {

using namespace std::string_literals;
using Rows = std::vector<HostileRow>;

/// A GET of "/" with these field lines after its Host.
std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: shop\r\n" + fields + "\r\n"; }
/// A whole request without a body: its first line, and field lines.
std::string line(const std::string& request_line) { return request_line + "\r\nHost: shop\r\n\r\n"; }
std::string post(const std::string& fields, const std::string& body) {
  return "POST /form HTTP/1.1\r\nHost: shop\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }
std::string host(const std::string& value) { return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n"; }

HostileRow refused(const char* why, const char* rfc, std::string bytes, int status = 400) {
  return {why, rfc, std::move(bytes), status, "", "", "GET"};
}
HostileRow passes(const char* why, const char* rfc, std::string bytes, std::string contains, std::string lacks = "") {
  return {why, rfc, std::move(bytes), 0, std::move(contains), std::move(lacks), "GET"};
}

std::string many(int count, const std::string& before, const std::string& after) {
  std::string out;
  for (int i = 0; i < count; ++i) out.append(before).append(std::to_string(i)).append(after);
  return out;
}

Rows framing_rows() {
  return {
      refused("both lengths: the classic CL.TE", "9112 6.3",
              post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("both lengths: TE.CL", "9112 6.3",
              post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")),
      refused("two different lengths", "9110 8.6", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")),
      refused("two equal lengths", "9110 8.6", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
      refused("a list of equal lengths", "9110 8.6", post("Content-Length: 5, 5\r\n", "hello")),
      refused("length with a plus sign", "9110 8.6", post("Content-Length: +5\r\n", "hello")),
      refused("length with a minus sign", "9110 8.6", post("Content-Length: -5\r\n", "hello")),
      refused("length in hex", "9110 8.6", post("Content-Length: 0x5\r\n", "hello")),
      refused("length with a space inside", "9110 8.6", post("Content-Length: 5 0\r\n", "hello")),
      refused("length with a fraction", "9110 8.6", post("Content-Length: 5.0\r\n", "hello")),
      refused("empty length", "9110 8.6", post("Content-Length:\r\n", "hello")),
      refused("length is a word", "9110 8.6", post("Content-Length: five\r\n", "hello")),
      refused("length of 2^63", "9110 8.6", post("Content-Length: 9223372036854775808\r\n", "hello")),
      refused("length of 2^64 + 5", "9110 8.6", post("Content-Length: 18446744073709551621\r\n", "hello")),
      refused("length spelt with an underscore", "9110 5.1", post("Content_Length: 5\r\n", "hello")),
      refused("coding spelt with an underscore", "9110 5.1", post("Transfer_Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("chunked twice in a list", "9112 6.1", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
      refused("chunked in two fields", "9112 6.1",
              post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("chunked is not the last coding", "9112 6.3", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
      refused("chunked, then identity in another field", "9112 6.3",
              post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
      refused("empty coding", "9112 6.1", post("Transfer-Encoding:\r\n", "")),
      refused("coding list with an empty element", "9112 6.1", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n")),
      refused("chunked with a parameter", "9112 7.1", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n")),
      refused("chunked in quotes", "9112 7", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
      refused("chunked after a vertical tab", "9110 5.5",
              post("Transfer-Encoding: \x0b"
                   "chunked\r\n",
                   "0\r\n\r\n")),
      refused("gzip, chunked: a coding we do not know", "9112 6.1",
              post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
      refused("identity", "9112 6.1", post("Transfer-Encoding: identity\r\n", "hello"), 501),
      refused("xchunked", "9112 6.1", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501),
      refused("chunked in HTTP/1.0", "9112 6.1",
              "POST / HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      passes("length of 0", "9110 8.6", post("Content-Length: 0\r\n", ""), "POST /form HTTP/1.1\r\n"),
      passes("length with leading zeros: digits are all it takes", "9110 8.6",
             post("Content-Length: 0005\r\n", "hello"), "POST /form HTTP/1.1\r\n"),
      passes("length between tabs and spaces", "9110 5.5", post("Content-Length: \t 5 \t\r\n", "hello"),
             "POST /form HTTP/1.1\r\n"),
      passes("a GET with a body", "9110 9.3.1", get("Content-Length: 5\r\n").append("hello"), "GET / HTTP/1.1\r\n"),
      passes("CHUNKED in upper case", "9112 7", post("TRANSFER-ENCODING: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
             "POST /form HTTP/1.1\r\n"),
  };
}

Rows chunk_rows() {
  return {
      refused("chunk size missing", "9112 7.1", chunked("\r\nhello\r\n0\r\n\r\n")),
      refused("chunk size with 0x", "9112 7.1", chunked("0x5\r\nhello\r\n0\r\n\r\n")),
      refused("negative chunk size", "9112 7.1", chunked("-5\r\nhello\r\n0\r\n\r\n")),
      refused("chunk size with a plus sign", "9112 7.1", chunked("+5\r\nhello\r\n0\r\n\r\n")),
      refused("space before the chunk size", "9112 7.1", chunked(" 5\r\nhello\r\n0\r\n\r\n")),
      refused("space after the chunk size", "9112 7.1", chunked("5 \r\nhello\r\n0\r\n\r\n")),
      refused("chunk size of 2^64 + 5", "9112 7.1", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")),
      refused("chunk size of 2^63", "9112 7.1", chunked("8000000000000000\r\nhello\r\n0\r\n\r\n")),
      refused("chunk size with an underscore", "9112 7.1", chunked("5_0\r\nhello\r\n0\r\n\r\n")),
      refused("chunk size ends in bare LF", "9112 7.1", chunked("5\nhello\r\n0\r\n\r\n")),
      refused("chunk size ends in bare CR", "9112 7.1", chunked("5\rhello\r\n0\r\n\r\n")),
      refused("chunk data without its CRLF", "9112 7.1", chunked("5\r\nhello0\r\n\r\n")),
      refused("chunk data ends in bare LF", "9112 7.1", chunked("5\r\nhello\n0\r\n\r\n")),
      refused("chunk data longer than its size", "9112 7.1", chunked("5\r\nhello world\r\n0\r\n\r\n")),
      refused("bare LF in a chunk extension (TERM.EXT)", "9112 7.1.1", chunked("5;\nxx\r\nhello\r\n0\r\n\r\n")),
      refused("bare CR in a chunk extension", "9112 7.1.1", chunked("5;a=\rb\r\nhello\r\n0\r\n\r\n")),
      refused("chunk extension without a name", "9112 7.1.1", chunked("5;=b\r\nhello\r\n0\r\n\r\n")),
      refused("chunk extension with an open quote", "9112 7.1.1", chunked("5;a=\"b\r\nhello\r\n0\r\n\r\n")),
      refused("NUL in a quoted chunk extension", "9112 7.1.1", chunked("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s)),
      refused("chunk extension of 5000 bytes", "9112 7.1.1",
              chunked("5;a=" + std::string(5000, 'b') + "\r\nhello\r\n0\r\n\r\n")),
      refused("trailer with a space before its colon", "9112 7.1.2", chunked("0\r\nX-Sum : 1\r\n\r\n")),
      refused("folded trailer", "9112 7.1.2", chunked("0\r\nX-Sum: 1\r\n 2\r\n\r\n")),
      refused("trailer line in bare LF", "9112 7.1.2", chunked("0\r\nX-Sum: 1\n\r\n")),
      refused("trailer without a colon", "9112 7.1.2", chunked("0\r\nX-Sum\r\n\r\n")),
      refused("trailers of 10,000 bytes", "9112 7.1.2", chunked("0\r\nX-Sum: " + std::string(10000, 'a') + "\r\n\r\n")),
      passes("chunk sizes in upper and lower case, with zeros", "9112 7.1",
             chunked("00A\r\n0123456789\r\n0b\r\n0123456789a\r\n0\r\n\r\n"), "POST /form HTTP/1.1\r\n"),
      passes("chunk extensions are dropped", "9112 7.1.1", chunked("5;a=b;c=\"d;\\\"e\"; f\r\nhello\r\n0;last\r\n\r\n"),
             "POST /form HTTP/1.1\r\n", "d;"),
      passes("only the last chunk", "9112 7.1", chunked("0\r\n\r\n"), "POST /form HTTP/1.1\r\n"),
      passes("last chunk of many zeros", "9112 7.1", chunked("5\r\nhello\r\n0000000000000000\r\n\r\n"),
             "POST /form HTTP/1.1\r\n"),
      passes("trailers", "9112 7.1.2",
             post("Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-Sum: 532\r\n\r\n"),
             "Trailer: X-Sum\r\n"),
      passes("trailers that frame and authenticate are left out", "9110 6.5.1",
             chunked("5\r\nhello\r\n0\r\nContent-Length: 7\r\nAuthorization: me\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"),
             "POST /form HTTP/1.1\r\n", "1.2.3.4"),
  };
}

Rows line_rows() {
  return {
      refused("bare LF after the request line", "9112 2.2", "GET / HTTP/1.1\nHost: shop\r\n\r\n"),
      refused("bare LF after a field", "9112 2.2", "GET / HTTP/1.1\r\nHost: shop\nX: y\r\n\r\n"),
      refused("bare LF as the empty line", "9112 2.2", "GET / HTTP/1.1\r\nHost: shop\r\n\n"),
      refused("all lines in bare LF", "9112 2.2", "GET / HTTP/1.1\nHost: shop\n\n"),
      refused("bare CR in a value", "9112 2.2", get("X: a\rb\r\n")),
      refused("bare CR before CRLF", "9112 2.2", get("X: a\r\r\n")),
      refused("bare CR in a name", "9112 2.2", get("X\rY: a\r\n")),
      refused("NUL in a value", "9110 5.5", get("X: a\0b\r\n"s)),
      refused("NUL in a name", "9110 5.1", get("X\0Y: b\r\n"s)),
      refused("control character in a value", "9110 5.5", get("X: a\x01\r\n")),
      refused("DEL in a value", "9110 5.5", get("X: a\x7f\r\n")),
      refused("space before the colon", "9112 5.1", get("X : a\r\n")),
      refused("tab before the colon", "9112 5.1", get("X\t: a\r\n")),
      refused("space before the colon of Transfer-Encoding", "9112 5.1",
              post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
      refused("folded line", "9112 5.2", get("X: a\r\n b\r\n")),
      refused("folded line with a tab", "9112 5.2", get("X: a\r\n\tb\r\n")),
      refused("space before the first field", "9112 2.2", "GET / HTTP/1.1\r\n Host: shop\r\n\r\n"),
      refused("empty name", "9110 5.1", get(": a\r\n")),
      refused("name with parentheses", "9110 5.6.2", get("X(y): a\r\n")),
      refused("name with a slash", "9110 5.6.2", get("X/Y: a\r\n")),
      refused("name in UTF-8", "9110 5.6.2", get("X-\xc3\xbc: a\r\n")),
      refused("field without a colon", "9112 5", get("garbage\r\n")),
      refused("two requests' worth of empty lines first", "9112 2.2", "\r\n\r\n" + get("")),
      refused("a bare LF first", "9112 2.2", "\n" + get("")),
      refused("200 fields", "9110 5.4", get(many(200, "X-", ": y\r\n")), 431),
      refused("a field of 40 KiB", "9110 5.4", get("X: " + std::string(40960, 'y') + "\r\n"), 431),
      passes("one empty line first", "9112 2.2", "\r\n" + get("X-Odd: a\r\n"), "\r\nX-Odd: a\r\n"),
      passes("empty value", "9110 5.5", get("X-Odd:\r\n"), "X-Odd:"),
      passes("value of blanks only", "9110 5.5", get("X-Odd: \t \r\n"), "X-Odd:"),
      passes("value with a tab inside", "9110 5.5", get("X-Odd: a\tb\r\n"), "a\tb\r\n"),
      passes("value in UTF-8 (obs-text)", "9110 5.5", get("X-Odd: gr\xc3\xbc\xc3\x9f\r\n"), "gr\xc3\xbc\xc3\x9f\r\n"),
      passes("no space after the colon", "9112 5", get("X-Odd:a\r\n"), "a\r\n"),
      passes("every mark a name may have", "9110 5.6.2", get("X!#$%&'*+-.^_`|~9: a\r\n"), "X!#$%&'*+-.^_`|~9: a\r\n"),
      passes("names in lower case", "9110 5.1", "GET / HTTP/1.1\r\nhost: shop\r\nx-odd: a\r\n\r\n", "x-odd: a\r\n"),
      passes("64 cookies in one field", "6265 4.2", get("Cookie: " + many(64, "c", "=v; ") + "last=1\r\n"),
             "last=1\r\n"),
      passes("two Cookie fields", "9113 8.2.3", get("Cookie: a=1\r\nCookie: b=2\r\n"), "b=2\r\n"),
      passes("100 fields", "9110 5.4", get(many(100, "X-", ": y\r\n")), "X-99: y\r\n"),
      passes("a value of 12,000 bytes", "9110 5.4", get("X-Odd: " + std::string(12000, 'y') + "\r\n"), "yyyy\r\n"),
      passes("the same unknown field twice, in order", "9110 5.3", get("X-Odd: 1\r\nX-Odd: 2\r\n"),
             "X-Odd: 1\r\nX-Odd: 2\r\n"),
  };
}

Rows request_line_rows() {
  return {
      refused("HTTP/0.9", "9112 2.3", "GET /\r\n"),
      refused("HTTP/0.9 with fields", "9112 2.3", "GET /\r\nHost: shop\r\n\r\n"),
      refused("two spaces before the target", "9112 3", line("GET  / HTTP/1.1")),
      refused("two spaces before the version", "9112 3", line("GET /  HTTP/1.1")),
      refused("space after the version", "9112 3", line("GET / HTTP/1.1 ")),
      refused("tabs for spaces", "9112 3", line("GET\t/\tHTTP/1.1")),
      refused("space before the method", "9112 3", line(" GET / HTTP/1.1")),
      refused("space in the target", "9112 3.2", line("GET /a b HTTP/1.1")),
      refused("control character in the target", "9112 3.2", line("GET /a\x01 HTTP/1.1")),
      refused("NUL in the target", "9112 3.2", line("GET /a\0b HTTP/1.1"s)),
      refused("UTF-8 in the target", "9112 3.2", line("GET /gr\xc3\xbc\xc3\x9f HTTP/1.1")),
      refused("fragment in the target", "9112 3.2", line("GET /a#b HTTP/1.1")),
      refused("fragment after the query", "9112 3.2", line("GET /a?b#c HTTP/1.1")),
      refused("target without a slash", "9112 3.2", line("GET admin HTTP/1.1")),
      refused("target is a query", "9112 3.2", line("GET ?a HTTP/1.1")),
      refused("version in lower case", "9112 2.3", line("GET / http/1.1")),
      refused("version of another protocol", "9112 2.3", line("GET / ICY/1.1")),
      refused("version with two digits", "9112 2.3", line("GET / HTTP/1.10")),
      refused("version with a leading zero", "9112 2.3", line("GET / HTTP/01.1")),
      refused("version with a plus sign", "9112 2.3", line("GET / HTTP/+1.1")),
      refused("version without its minor", "9112 2.3", line("GET / HTTP/1")),
      refused("version 2.0", "9110 15.6.6", line("GET / HTTP/2.0"), 505),
      refused("version 1.2", "9110 15.6.6", line("GET / HTTP/1.2"), 505),
      refused("version 0.9, spelt out", "9110 15.6.6", line("GET / HTTP/0.9"), 505),
      refused("the preface of HTTP/2", "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
      refused("a TLS hello on the plain port", "9112 3", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n"s),
      refused("empty method", "9110 9.1", line(" / HTTP/1.1")),
      refused("method with a colon", "9110 9.1", line("GE:T / HTTP/1.1")),
      refused("known method in lower case", "9110 9.1", line("head / HTTP/1.1"), 501),
      refused("method of 100 characters", "9112 3", line(std::string(100, 'M') + " / HTTP/1.1"), 501),
      refused("CONNECT", "9110 9.3.6", "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n", 501),
      refused("TRACE: would reflect what is for the app only", "9110 9.3.8", line("TRACE / HTTP/1.1"), 501),
  };
}

Rows target_rows() {
  return {
      refused("GET *", "9112 3.2.4", line("GET * HTTP/1.1")),
      refused("OPTIONS *x", "9112 3.2.4", line("OPTIONS *x HTTP/1.1")),
      refused("target of 40 KiB", "9112 3", line("GET /" + std::string(40960, 'a') + " HTTP/1.1"), 414),
      refused("encoded NUL in the path", "3986 7.3", line("GET /a%00b HTTP/1.1")),
      refused("broken percent-escape", "3986 2.1", line("GET /a%zz HTTP/1.1")),
      refused("cut percent-escape", "3986 2.1", line("GET /a%2 HTTP/1.1")),
      refused("backslash in the path", "3986 3.3", line("GET /a\\b HTTP/1.1")),
      refused("path climbs above the root", "3986 5.2.4", line("GET /../a HTTP/1.1")),
      refused("encoded dot segment", "3986 6.2.2", line("GET /a/%2e%2e/b HTTP/1.1")),
      refused("half encoded dot segment", "3986 6.2.2", line("GET /a/.%2E/b HTTP/1.1")),
      refused("dot segment between encoded slashes", "3986 6.2.2", line("GET /a%2f..%2fb HTTP/1.1")),
      refused("dot segment between encoded backslashes", "3986 6.2.2", line("GET /a%5c..%5cb HTTP/1.1")),
      refused("dot segment with a parameter", "3986 3.3", line("GET /a/..;x/b HTTP/1.1")),
      refused("dot segment after an empty one", "3986 5.2.4", line("GET /a//../b HTTP/1.1")),
      passes("dot segments within the path, as sent", "3986 5.2.4", line("GET /a/../b/./c HTTP/1.1"),
             "GET /a/../b/./c HTTP"),
      passes("encoded slash without dots", "3986 2.2", line("GET /@scope%2fname HTTP/1.1"), "GET /@scope%2fname HTTP"),
      passes("empty segments", "3986 3.3", line("GET //a//b HTTP/1.1"), "GET //a//b HTTP"),
      passes("path parameter", "3986 3.3", line("GET /a;jsessionid=1.n1 HTTP/1.1"), "GET /a;jsessionid=1.n1 HTTP"),
      passes("marks browsers leave in a query", "9112 3.2", line("GET /?a=%&b={|}^`\\\"<> HTTP/1.1"),
             "GET /?a=%&b={|}^`\\\"<> HTTP"),
      passes("empty query", "3986 3.4", line("GET /a? HTTP/1.1"), "GET /a? HTTP"),
      passes("question marks in the query", "3986 3.4", line("GET /a?b?c=/../d HTTP/1.1"), "GET /a?b?c=/../d HTTP"),
      passes("a target of 8000 bytes", "9112 3", line("GET /" + std::string(8000, 'a') + " HTTP/1.1"),
             "aaaa HTTP/1.1\r\n"),
      passes("OPTIONS *", "9112 3.2.4", line("OPTIONS * HTTP/1.1"), "OPTIONS * HTTP"),
      passes("PROPFIND", "4918 9.1", line("PROPFIND /dav/ HTTP/1.1"), "PROPFIND /dav/ HTTP"),
      passes("REPORT", "3253 3.6", line("REPORT /dav/ HTTP/1.1"), "REPORT /dav/ HTTP"),
      passes("M-SEARCH: a method with a dash", "9110 9.1", line("M-SEARCH / HTTP/1.1"), "M-SEARCH / HTTP"),
      passes("PATCH with an empty body", "5789 2", "PATCH / HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n",
             "PATCH / HTTP"),
      passes("DELETE with a body", "9110 9.3.5", "DELETE /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n{}",
             "DELETE /a HTTP"),
      passes("HTTP/1.0 with a Host", "9112 2.3", line("GET /old HTTP/1.0"), "GET /old HTTP"),
      passes("HTTP/1.0 without a Host", "9112 3.2", "GET /old HTTP/1.0\r\n\r\n", "GET /old HTTP"),
  };
}

Rows host_rows() {
  return {
      refused("no Host", "9112 3.2", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
      refused("two Hosts", "9112 3.2", get("Host: other\r\n")),
      refused("two equal Hosts", "9112 3.2", get("Host: shop\r\n")),
      refused("empty Host", "9110 7.2", host("")),
      refused("Host is a list", "9110 7.2", host("shop, other")),
      refused("Host with a space", "9110 7.2", host("shop other")),
      refused("Host with a percent-escape", "9110 7.2", host("sh%6fp")),
      refused("Host with a path", "9110 7.2", host("shop/admin")),
      refused("Host with a question mark", "9110 7.2", host("shop?a")),
      refused("Host with userinfo", "9110 4.2.4", host("me@shop")),
      refused("Host is a URL", "9110 7.2", host("http://shop")),
      refused("Host in UTF-8", "9110 7.2",
              host("b\xc3\xbc"
                   "cher.example")),
      refused("Host with an empty label", "9110 7.2", host("shop..example")),
      refused("Host begins with a dot", "9110 7.2", host(".example")),
      refused("Host is only a port", "9110 7.2", host(":80")),
      refused("port is a word", "9110 7.2", host("shop:http")),
      refused("port 0", "9110 7.2", host("shop:0")),
      refused("port 65536", "9110 7.2", host("shop:65536")),
      refused("negative port", "9110 7.2", host("shop:-1")),
      refused("two ports", "9110 7.2", host("shop:80:80")),
      refused("IPv6 without brackets", "3986 3.2.2", host("2001:db8::1")),
      refused("IPv6 with an open bracket", "3986 3.2.2", host("[2001:db8::1")),
      refused("IPv6 with nine groups", "3986 3.2.2", host("[1:2:3:4:5:6:7:8:9]")),
      refused("IPv6 with a zone", "6874 2", host("[fe80::1%25eth0]")),
      refused("text after the bracket", "3986 3.2.2", host("[::1]x")),
      refused("absolute target contradicts Host", "9112 3.2.2", line("GET http://other/ HTTP/1.1")),
      refused("absolute target contradicts Host's port", "9112 3.2.2", line("GET http://shop:81/ HTTP/1.1")),
      refused("absolute target with userinfo", "9110 4.2.4", line("GET http://me@shop/ HTTP/1.1")),
      refused("absolute target without a host", "9110 4.2.1", line("GET http:///a HTTP/1.1")),
      refused("absolute target of another scheme", "9112 3.2.2", line("GET ftp://shop/ HTTP/1.1")),
      refused("absolute target without Host", "9112 3.2", "GET http://shop/ HTTP/1.1\r\n\r\n"),
      passes("Host with a port", "9110 7.2", host("shop:8080"), "Host: shop:8080\r\n"),
      passes("Host with an empty port", "3986 3.2.3", host("shop:"), "GET / HTTP"),
      passes("Host with an underscore", "9110 7.2", host("my_shop.example"), "Host: my_shop.example\r\n"),
      passes("Host with a final dot", "3986 3.2.2", host("shop.example."), "GET / HTTP"),
      passes("Host in capitals", "3986 3.2.2", host("SHOP"), "GET / HTTP"),
      passes("Host is an IPv4 address", "3986 3.2.2", host("192.0.2.1:80"), "Host: 192.0.2.1:80\r\n"),
      passes("Host is an IPv6 address", "3986 3.2.2", host("[2001:db8::1]:8080"), "Host: [2001:db8::1]:8080\r\n"),
      passes("absolute target", "9112 3.2.2", line("GET http://shop/a?b HTTP/1.1"), "GET /a?b HTTP"),
      passes("absolute target in capitals, with the default port", "9110 4.2.3", line("GET HTTP://SHOP:80/a HTTP/1.1"),
             "GET /a HTTP"),
      passes("absolute target without a path", "9110 4.2.3", line("GET http://shop HTTP/1.1"), "GET / HTTP"),
      passes("absolute target with only a query", "9110 4.2.3", line("GET http://shop?a HTTP/1.1"), "GET /?a HTTP"),
      passes("OPTIONS of a whole server, absolute", "9112 3.2.4", line("OPTIONS http://shop HTTP/1.1"),
             "OPTIONS * HTTP"),
  };
}

Rows connection_rows() {
  return {
      refused("Connection names Host", "9110 7.6.1", get("Connection: Host\r\n")),
      refused("Connection names Content-Length", "9110 7.6.1",
              post("Connection: content-length\r\nContent-Length: 5\r\n", "hello")),
      refused("Connection names Transfer-Encoding", "9110 7.6.1",
              post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("Connection is no list of tokens", "9110 7.6.1", get("Connection: close; now\r\n")),
      refused("Connection with 1000 options", "9110 7.6.1", get("Connection: " + many(1000, "x", ",") + "y\r\n")),
      refused("an expectation we do not know", "9110 10.1.1", get("Expect: the-unexpected\r\n"), 417),
      refused("an expectation with a parameter", "9110 10.1.1",
              post("Content-Length: 5\r\nExpect: 100-continue;a=b\r\n", "hello"), 417),
      passes("fields named in Connection stay here", "9110 7.6.1",
             get("Connection: keep-alive, X-Hop, , X-Other\r\nX-Hop: 1\r\nX-Other: 2\r\nX-Stays: 3\r\n"),
             "X-Stays: 3\r\n", "x-hop"),
      passes("two Connection fields", "9110 7.6.1",
             get("Connection: X-One\r\nConnection: X-Two\r\nX-One: 1\r\nX-Two: 2\r\n"), "GET / HTTP", "x-two"),
      passes("Connection cannot strip a cookie", "9110 7.6.1", get("Connection: Cookie\r\nCookie: keep=me\r\n"),
             "keep=me"),
      passes("nor credentials", "9110 7.6.1", get("Connection: close, Authorization\r\nAuthorization: Basic eDp5\r\n"),
             "Authorization: Basic eDp5\r\n"),
      passes("nor a precondition", "9110 7.6.1", get("Connection: If-Match\r\nIf-Match: \"v1\"\r\n"),
             "If-Match: \"v1\"\r\n"),
      passes("the fixed set stays here", "9110 7.6.1",
             get("Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-Stays: 1\r\n"),
             "X-Stays: 1\r\n", "keep-alive: timeout"),
      passes("proxy credentials stay here", "9110 11.7", get("Proxy-Authorization: Basic eDp5\r\n"), "GET / HTTP",
             "eDp5"),
      passes("Proxy would become HTTP_PROXY", "3875 4.1.18", get("Proxy: evil:8080\r\n"), "GET / HTTP", "evil:8080"),
      passes("a stranger's X-Forwarded-For", "7239 8.1", get("X-Forwarded-For: 10.9.8.7\r\n"), "GET / HTTP",
             "10.9.8.7"),
      passes("its twin with underscores", "3875 4.1.18", get("X_Forwarded_For: 10.9.8.7\r\n"), "GET / HTTP",
             "10.9.8.7"),
      passes("a stranger's Forwarded", "7239 8.1", get("Forwarded: for=10.9.8.7\r\n"), "GET / HTTP", "10.9.8.7"),
      passes("a stranger's X-Real-IP", "7239 8.1", get("x-real-ip: 10.9.8.7\r\n"), "GET / HTTP", "10.9.8.7"),
      passes("a stranger's X-Forwarded-Anything", "7239 8.1", get("X-Forwarded-User: admin\r\n"), "GET / HTTP",
             "admin"),
      passes("a stranger's X-Holdfast-Moved", "9110 7.6.1", get("X-Holdfast-Moved: from=app1\r\n"), "GET / HTTP",
             "from=app1"),
      passes("keep-alive and upgrade", "9110 7.8",
             get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n"),
             "Sec-WebSocket-Key: abc\r\n"),
      passes("h2c is not offered on", "9113 3.1",
             get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
                 "AAMAAABkAAQAoAAAAAIAAAAA\r\nX-Stays: 1\r\n"),
             "X-Stays: 1\r\n", "h2c"),
      passes("Upgrade without Connection", "9110 7.8", get("Upgrade: websocket\r\nX-Stays: 1\r\n"), "X-Stays: 1\r\n",
             "websocket"),
      passes("Upgrade in HTTP/1.0", "9110 7.8",
             "GET / HTTP/1.0\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP",
             "websocket"),
      passes("100-continue in capitals, with its body", "9110 10.1.1",
             post("Content-Length: 5\r\nExpect: 100-Continue\r\n", "hello"), "POST /form HTTP/1.1\r\n"),
      passes("100-continue in HTTP/1.0 is ignored", "9110 10.1.1",
             "POST /old HTTP/1.0\r\nHost: shop\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
             "POST /old HTTP"),
  };
}

}  // namespace

std::vector<HostileRow> hostile_requests() {
  Rows rows;
  for (Rows part : {framing_rows(), chunk_rows(), line_rows(), request_line_rows(), target_rows(), host_rows(),
                    connection_rows()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

}  // namespace holdfast::tests
