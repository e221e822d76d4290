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

Answer text_answer(std::uint16_t status, std::string_view words) {
  Answer answer;
  answer.status = status;
  answer.body = fmt::format("{}\n", words);
  return answer;
}

Answer json_answer(const nlohmann::ordered_json& body) {
  Answer answer;
  answer.content_type = "application/json";
  answer.body = base::json_text(body) + "\n";
  return answer;
}

std::string wire_text(const Answer& answer, base::WallTime now, AfterAnswer after, BodyPart body) {
  std::string out;
  out.reserve(512 + answer.body.size());
  const auto at = std::back_inserter(out);
  fmt::format_to(at, "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\n", answer.status, reason_phrase(answer.status),
                 base::http_date_text(now), answer.content_type);
  // What has no end has no length: the connection's end is its end (RFC 9112 section 6.3).
  if (!answer.feed) fmt::format_to(at, "Content-Length: {}\r\n", answer.body.size());
  fmt::format_to(at, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
  fmt::format_to(at, "Content-Security-Policy: {}\r\n", answer.content_security_policy);
  if (!answer.allow.empty()) fmt::format_to(at, "Allow: {}\r\n", answer.allow);
  out += answer.more_fields;
  fmt::format_to(at, "Connection: {}\r\n\r\n", after == AfterAnswer::Close ? "close" : "keep-alive");
  if (body == BodyPart::Sent) out += answer.body;
  return out;
}

}  // namespace holdfast::web
