#include "web/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace holdfast::web {

namespace {

constexpr std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

}  // namespace

std::string_view parameter(std::string_view query, std::string_view name) {
  if (query.starts_with('?')) query.remove_prefix(1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) return pair.substr(name.size() + 1);
  }
  return {};
}

Response text_response(std::uint16_t status, std::string_view words) {
  Response response;
  response.status = status;
  response.body = fmt::format("{}\n", words);
  return response;
}

Response json_response(const nlohmann::ordered_json& body) {
  Response response;
  response.content_type = "application/json";
  response.body = base::json_text(body) + "\n";
  return response;
}

std::string wire_text(const Response& response, base::WallTime now, AfterResponse after, BodyPart body) {
  std::string out;
  out.reserve(512 + response.body.size());
  const auto at = std::back_inserter(out);
  fmt::format_to(at, "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\n", response.status,
                 reason_phrase(response.status), base::http_date_text(now), response.content_type);
  // What has no end has no length: the connection's end is its end (RFC 9112 section 6.3).
  if (!response.feed) fmt::format_to(at, "Content-Length: {}\r\n", response.body.size());
  fmt::format_to(at, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
  fmt::format_to(at, "Content-Security-Policy: {}\r\n", response.content_security_policy);
  if (!response.allow.empty()) fmt::format_to(at, "Allow: {}\r\n", response.allow);
  out += response.more_fields;
  fmt::format_to(at, "Connection: {}\r\n\r\n", after == AfterResponse::Close ? "close" : "keep-alive");
  if (body == BodyPart::Sent) out += response.body;
  return out;
}

}  // namespace holdfast::web
