#include "web/router.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/check.h"

namespace holdfast::web {

namespace {

constexpr std::string_view allow_words(http::Method method) {
  switch (method) {
    case http::Method::Get:
      return "GET, HEAD";
    case http::Method::Post:
      return "POST";
    case http::Method::Put:
      return "PUT";
    case http::Method::Delete:
      return "DELETE";
    default:
      return "";
  }
}

std::string_view take_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

/// "%5B" and its like become their bytes; what is no such thing stays as it is, and will be nobody's name.
std::string decoded(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    unsigned byte = 0;
    const char* const digits = segment.data() + i + 1;
    if (segment[i] == '%' && i + 2 < segment.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += segment[i];
    }
  }
  return out;
}

// What stands for the {names} of the pattern; nullopt when `path` is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> captures;
  if (pattern == path) return captures;
  if (pattern.find('{') == std::string_view::npos) return std::nullopt;
  if (std::count(pattern.begin(), pattern.end(), '/') != std::count(path.begin(), path.end(), '/')) return std::nullopt;
  while (!pattern.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (!wanted.starts_with('{')) {
      if (wanted != segment) return std::nullopt;
    } else if (segment.empty()) {
      return std::nullopt;
    } else {
      captures.push_back(decoded(segment));
    }
  }
  return captures;
}

}  // namespace

void Router::add(http::Method method, std::string path, Handler handler) {
  add_later(method, std::move(path), [handler = std::move(handler)](const Request& request, const Respond& respond) {
    respond(handler(request));
  });
}

void Router::add_later(http::Method method, std::string path, LaterHandler handler) {
  base::check(!allow_words(method).empty(), "a handler's method is one that Allow can name");
  entries_.push_back({method, std::move(path), std::move(handler)});
}

void Router::handle(const Request& request, Respond respond) const {
  if (!filter_) return find(request, std::move(respond));
  Request known = request;
  if (const auto refused = filter_(known, respond)) return respond(*refused);
  find(known, std::move(respond));
}

void Router::find(const Request& request, Respond respond) const {
  const http::Method wanted = request.method == http::Method::Head ? http::Method::Get : request.method;
  std::string allow;
  for (const Entry& entry : entries_) {
    auto captures = match(entry.path, request.path);
    if (!captures) continue;
    if (entry.method == wanted && captures->empty()) return entry.handler(request, std::move(respond));
    if (entry.method == wanted) {
      Request captured = request;
      captured.captures = std::move(*captures);
      return entry.handler(captured, std::move(respond));
    }
    if (!allow.empty()) allow += ", ";
    allow += allow_words(entry.method);
  }
  if (allow.empty())
    return respond(text_response(404, "there is no such path; GET /api/v1/openapi.json lists all paths"));
  Response refused = text_response(405, "method not allowed; use " + allow);
  refused.allow = std::move(allow);
  respond(std::move(refused));
}

}  // namespace holdfast::web
