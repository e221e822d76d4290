#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "http/head.h"
#include "net/address.h"
#include "web/caller.h"

namespace holdfast::web {

/// A whole request to the admin listener, as handlers see it. Owns its text: requests here are few and small.
struct Request {
  http::Method method = http::Method::Other;
  std::string path;   ///< As sent, not decoded: only exact matches are served.
  std::string query;  ///< With its '?', or empty.
  std::string host;   ///< Without port and brackets; empty only without a Host field (HTTP/1.0).
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  net::Address peer;
  Caller caller;                      ///< Filled in by Access.
  std::vector<std::string> captures;  ///< What stood for the route's {names}, in their order; the router fills it in.

  /// The first field of that name (compared as HTTP does), or empty.
  std::string_view field(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (base::iequals(key, name)) return value;
    }
    return {};
  }
  /// Who asks, for records: the name, or the address.
  std::string by() const { return caller.name.empty() ? peer.host_text() : caller.name; }
};

/// Where a response without end goes: its connection.
class Pipe {
 public:
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  virtual ~Pipe() = default;
  /// Sends more. A client that takes too little of what it got before is given up instead.
  virtual void push(std::string_view bytes) = 0;
  /// Everything pushed before is in the kernel's hands.
  virtual bool is_clear() const = 0;
  /// Ends the response and its connection.
  virtual void end() = 0;
};

/// A response without end, while somebody listens. Destroyed with the connection, not before.
class Feed {
 public:
  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  virtual ~Feed() = default;
  /// Once, after the response's head. The pipe outlives the feed.
  virtual void begin(Pipe& pipe) = 0;
};

/// The whole response.
struct Response {
  std::uint16_t status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  ///< Static text.
  std::string body;
  std::string allow;           ///< With 405: the methods there are (RFC 9110 section 15.5.6).
  std::string more_fields;     ///< Whole lines, each with its line end.
  std::shared_ptr<Feed> feed;  ///< What follows the body, without end; nullptr: nothing.
  /// What a browser may load for this page. Nothing, but for pages that bring their own style.
  std::string_view content_security_policy = "default-src 'none'; frame-ancestors 'none'";
};

enum class AfterResponse : std::uint8_t { KeepOpen, Close };
enum class BodyPart : std::uint8_t { Sent, LeftOut };

/// The value of `name` in a query "?a=b&c=d", not decoded; empty when there is none.
std::string_view parameter(std::string_view query, std::string_view name);

/// A short plain-text response: the words with a newline.
Response text_response(std::uint16_t status, std::string_view words);
/// 200 with `body` and a line end; bytes that are no UTF-8 are replaced.
Response json_response(const nlohmann::ordered_json& body);

/// The bytes of `response`. LeftOut is for HEAD: the same head with the body's length, without the body
/// (RFC 9110 section 9.3.2).
std::string wire_text(const Response& response, base::WallTime now, AfterResponse after, BodyPart body);

}  // namespace holdfast::web
