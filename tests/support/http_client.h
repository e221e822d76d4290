#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/wire.h"

namespace holdfast::support {

/// What a client saw of one response.
struct Response {
  End end = End::Nothing;
  int status = 0;  ///< 0 when no head came.
  WireHead head;
  std::string body;  ///< Empty when it went to a sink.
  std::uint64_t body_bytes = 0;
  std::vector<WireField> trailers;
  std::vector<WireHead> interim;  ///< 1xx heads in front of it.
  bool refused = false;           ///< No connection could be made.

  bool is_whole(int wanted_status) const { return end == End::Whole && status == wanted_status; }
  std::optional<std::string> field(std::string_view name) const { return head.field(name); }
  /// "200 whole 12 bytes": for the messages of tests.
  std::string text() const;
};

/// The value of `name` in a Set-Cookie field, with its attributes behind it; nullopt when there is none.
std::optional<std::string> set_cookie_of(const Response& response, std::string_view name);

/// A browser of one tab: one connection, kept alive, and a cookie jar. Blocking, with a deadline on everything.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : port_(port) {}

  struct Request {
    std::string method = "GET";
    std::string target = "/";
    std::vector<WireField> fields = {};
    std::string body = {};  ///< Sent with Content-Length when not empty or the method is POST, PUT or PATCH.
    std::string host = "shop.test";
  };
  /// Sends with the jar's cookies and reads the response. A kept connection that the peer has closed meanwhile is
  /// opened anew first, as browsers do; nothing is ever sent twice.
  Response request(const Request& request, Deadline deadline = Deadline{});
  Response get(std::string_view target, std::vector<WireField> fields = {}, Deadline deadline = Deadline{});
  Response post(std::string_view target, std::string_view body, std::vector<WireField> fields = {},
                Deadline deadline = Deadline{});

  /// The parts, for tests that need the bytes themselves.
  bool connect(Deadline deadline = Deadline{});
  bool send(std::string_view raw, Deadline deadline = Deadline{});
  /// One response to a request made with `method`; interim ones are collected. A 101 counts as final and keeps the
  /// connection for wire().
  Response receive(std::string_view method = "GET", Deadline deadline = Deadline{}, const Sink& sink = nullptr);
  bool is_open() const { return wire_.is_open(); }
  Wire& wire() { return wire_; }
  void close();
  void reset();
  /// The first 64 KiB that came on this connection or, when it is closed, on the last one.
  const std::string& received() const { return is_open() ? wire_.received() : received_; }
  /// Waits for the peer's end of the connection: Nothing (orderly), Reset, Timeout; Malformed when bytes came instead.
  End wait_for_end(Deadline deadline = Deadline{});

  std::map<std::string, std::string>& cookies() { return cookies_; }
  std::string cookie_field() const;

 private:
  End read_body(Response& response, std::string_view method, const Sink& sink, Deadline deadline);
  void keep_cookies(const Response& response);

  std::uint16_t port_;
  Wire wire_;
  std::string received_;
  std::map<std::string, std::string> cookies_;
};

/// The bytes of a request as HttpClient would send it.
std::string request_text(const HttpClient::Request& request, std::string_view cookie_field = {});

}  // namespace holdfast::support
