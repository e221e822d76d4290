#include "tests/support/hostile_rows.h"

namespace holdfast::tests {

namespace {

using namespace std::string_literals;
using Rows = std::vector<HostileRow>;

std::string ok(const std::string& fields, const std::string& body = "hello") {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return ok("Transfer-Encoding: chunked\r\n", body); }
/// A whole response of five bytes behind this status line.
std::string line(const std::string& status_line) { return status_line + "\r\nContent-Length: 5\r\n\r\nhello"; }

HostileRow refused(const char* why, const char* rfc, std::string bytes) {
  return {why, rfc, std::move(bytes), 502, "", "", "GET"};
}
HostileRow cut(const char* why, const char* rfc, std::string bytes) {
  return {why, rfc, std::move(bytes), kCut, "", "", "GET"};
}
HostileRow passes(const char* why, const char* rfc, std::string bytes, std::string contains, std::string lacks = "",
                  std::string method = "GET") {
  return {why, rfc, std::move(bytes), 0, std::move(contains), std::move(lacks), std::move(method)};
}

Rows head_rows() {
  return {
      refused("not HTTP at all", "9112 4", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
      refused("HTTP/0.9: only a body", "9112 4", "<html>hello</html>"),
      refused("version 2.0", "9112 2.3", line("HTTP/2.0 200 OK")),
      refused("version 1.2", "9112 2.3", line("HTTP/1.2 200 OK")),
      refused("version in lower case", "9112 2.3", line("http/1.1 200 OK")),
      refused("status of two digits", "9112 4", line("HTTP/1.1 20 OK")),
      refused("status of four digits", "9112 4", line("HTTP/1.1 2000 OK")),
      refused("status 099", "9110 15", line("HTTP/1.1 099 OK")),
      refused("status is a word", "9112 4", line("HTTP/1.1 OK")),
      refused("status with a sign", "9112 4", line("HTTP/1.1 +20 OK")),
      refused("two spaces before the status", "9112 4", line("HTTP/1.1  200 OK")),
      refused("tab before the status", "9112 4", line("HTTP/1.1\t200 OK")),
      refused("NUL in the reason", "9112 4", line("HTTP/1.1 200 O\0K"s)),
      refused("bare CR in the reason", "9112 4", line("HTTP/1.1 200 O\rK")),
      refused("empty line first", "9112 2.2", "\r\n" + line("HTTP/1.1 200 OK")),
      refused("bare LF after the status line", "9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello"),
      refused("bare LF after a field", "9112 2.2", ok("Content-Length: 5\nX: y\r\n")),
      refused("bare LF as the empty line", "9112 2.2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello"),
      refused("bare CR in a value: a split for whom it suits", "9112 2.2",
              ok("Content-Length: 5\r\nX: a\rSet-Cookie: b\r\n")),
      refused("NUL in a value", "9110 5.5", ok("Content-Length: 5\r\nX: a\0b\r\n"s)),
      refused("control character in a value", "9110 5.5", ok("Content-Length: 5\r\nX: a\x1b[0m\r\n")),
      refused("folded line", "9112 5.2", ok("Content-Length: 5\r\nX: a\r\n b\r\n")),
      refused("space before the colon", "9112 5.1", ok("Content-Length : 5\r\n")),
      refused("empty name", "9110 5.1", ok("Content-Length: 5\r\n: a\r\n")),
      refused("name with a space", "9110 5.1", ok("Content-Length: 5\r\nX Y: a\r\n")),
      refused("field without a colon", "9112 5", ok("Content-Length: 5\r\ngarbage\r\n")),
      refused("a head of 100 KiB", "9110 5.4", ok("Content-Length: 5\r\nX: " + std::string(102400, 'y') + "\r\n")),
      refused("a head cut short", "9112 8", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
      refused("Connection names Content-Length", "9110 7.6.1",
              ok("Connection: Content-Length\r\nContent-Length: 5\r\n")),
      passes("status line without a reason", "9112 4", line("HTTP/1.1 200 "), "HTTP/1.1 200"),
      passes("nor the space before it", "9112 4", line("HTTP/1.1 200"), "HTTP/1.1 200"),
      passes("a reason in UTF-8", "9112 4", line("HTTP/1.1 200 Sch\xc3\xb6n"), "HTTP/1.1 200"),
      passes("status 560, as a real app's", "9110 15", line("HTTP/1.1 560 Microflow failed"), "HTTP/1.1 560"),
      passes("status 999", "9110 15", line("HTTP/1.1 999 X"), "HTTP/1.1 999"),
      passes("HTTP/1.0", "9112 2.3", line("HTTP/1.0 200 OK"), " 200"),
      passes("names in lower case", "9110 5.1", ok("content-length: 5\r\nx-odd: a\r\n"), "x-odd: a\r\n"),
      passes("empty value", "9110 5.5", ok("Content-Length: 5\r\nX-Odd:\r\n"), "X-Odd:"),
      passes("obs-text in a value", "9110 5.5", ok("Content-Length: 5\r\nX-Odd: \xe4\r\n"), "\xe4\r\n"),
      passes("two Set-Cookie fields stay two", "6265 3",
             ok("Content-Length: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
             "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
      passes("fields named in Connection stay here", "9110 7.6.1",
             ok("Content-Length: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 2\r\n"), "X-Stays: 2\r\n", "x-hop"),
      passes("Connection cannot strip a cookie", "9110 7.6.1",
             ok("Content-Length: 5\r\nConnection: Set-Cookie\r\nSet-Cookie: a=1\r\n"), "Set-Cookie: a=1\r\n"),
      passes("the fixed set stays here", "9110 7.6.1",
             ok("Content-Length: 5\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nX-Stays: 2\r\n"),
             "X-Stays: 2\r\n", "timeout=5"),
      passes("proxy authentication stays here", "9110 11.7.1",
             ok("Content-Length: 5\r\nProxy-Authenticate: Basic realm=inside\r\n"), "HTTP/1.1 200", "realm=inside"),
  };
}

Rows body_rows() {
  return {
      refused("both lengths", "9112 6.3", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("two equal lengths", "9110 8.6", ok("Content-Length: 5\r\nContent-Length: 5\r\n")),
      refused("two different lengths", "9110 8.6", ok("Content-Length: 5\r\nContent-Length: 6\r\n")),
      refused("a list of lengths", "9110 8.6", ok("Content-Length: 5, 5\r\n")),
      refused("negative length", "9110 8.6", ok("Content-Length: -5\r\n")),
      refused("empty length", "9110 8.6", ok("Content-Length:\r\n")),
      refused("length of 2^63", "9110 8.6", ok("Content-Length: 9223372036854775808\r\n")),
      refused("gzip, chunked", "9112 6.1", ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
      refused("chunked, gzip", "9112 6.3", ok("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
      refused("identity", "9112 6.1", ok("Transfer-Encoding: identity\r\n")),
      refused("chunked twice", "9112 6.1",
              ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
      refused("chunked in HTTP/1.0", "9112 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      refused("interim answer with a length", "9110 8.6",
              "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + ok("Content-Length: 0\r\n", "")),
      refused(
          "interim answer in chunks", "9112 6.1",
          "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok("Content-Length: 0\r\n", "")),
      cut("fewer bytes than announced", "9112 8", ok("Content-Length: 50\r\n")),
      cut("no last chunk", "9112 8", chunked("5\r\nhello\r\n")),
      cut("cut inside a chunk", "9112 8", chunked("5\r\nhel")),
      cut("last chunk without its empty line", "9112 8", chunked("5\r\nhello\r\n0\r\n")),
      cut("chunk size is a word", "9112 7.1", chunked("five\r\nhello\r\n0\r\n\r\n")),
      cut("chunk size of 2^64 + 5", "9112 7.1", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")),
      cut("chunk size in bare LF", "9112 7.1", chunked("5\nhello\n0\n\n")),
      cut("chunk data without its CRLF", "9112 7.1", chunked("5\r\nhello0\r\n\r\n")),
      cut("bare LF in a chunk extension", "9112 7.1.1", chunked("5;\nx\r\nhello\r\n0\r\n\r\n")),
      cut("malformed trailer", "9112 7.1.2", chunked("5\r\nhello\r\n0\r\nX Y: 1\r\n\r\n")),
      passes("ends at close", "9112 6.3", ok("X-Odd: a\r\n"), "X-Odd: a\r\n"),
      passes("HTTP/1.0 that ends at close", "9112 6.3", "HTTP/1.0 200 OK\r\nX-Odd: a\r\n\r\nhello", "X-Odd: a\r\n"),
      passes("length of 0", "9110 8.6", ok("Content-Length: 0\r\nX-Odd: a\r\n", ""), "X-Odd: a\r\n"),
      passes("chunked with extensions and upper-case hex", "9112 7.1.1",
             chunked("A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n"), "HTTP/1.1 200", "x=\"y\""),
      passes("trailers pass", "9110 6.5.1",
             ok("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "5\r\nhello\r\n0\r\nX-Sum: 532\r\n\r\n"),
             "Trailer: X-Sum\r\n"),
      passes("a trailer cannot set a cookie", "9110 6.5.1", chunked("5\r\nhello\r\n0\r\nSet-Cookie: evil=1\r\n\r\n"),
             "HTTP/1.1 200", "evil=1"),
      passes("HEAD with a length and no body", "9110 9.3.2", ok("Content-Length: 5\r\n", ""), "Content-Length: 5\r\n",
             "", "HEAD"),
      passes("HEAD of a chunked answer", "9110 9.3.2", ok("Transfer-Encoding: chunked\r\nX-Odd: a\r\n", ""),
             "X-Odd: a\r\n", "", "HEAD"),
      passes("204", "9110 15.3.5", "HTTP/1.1 204 No Content\r\nX-Odd: a\r\n\r\n", "HTTP/1.1 204"),
      passes("204 with a length of 0", "9110 8.6", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 204", "content-length"),
      passes("204 with a body that reaches nobody", "9110 8.6",
             "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 204", "hello"),
      passes("204 in chunks", "9112 6.1", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "HTTP/1.1 204", "chunked"),
      passes("304 with the length of what it stands for", "9110 15.4.5",
             "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n", "ETag: \"a\"\r\n"),
      passes("an interim answer first", "8297 2",
             "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + ok("Content-Length: 5\r\nX-Odd: a\r\n"),
             "X-Odd: a\r\n"),
      passes("100 that nobody waits for", "9110 15.2.1",
             "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 5\r\nX-Odd: a\r\n"), "X-Odd: a\r\n"),
  };
}

}  // namespace

std::vector<HostileRow> hostile_responses() {
  Rows rows = head_rows();
  for (HostileRow& row : body_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace holdfast::tests
