#include "admin/router.h"

#include <utility>

#include "base/check.h"

namespace holdfast::admin {

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

}  // namespace

void Router::add(http::Method method, std::string path, Handler handler) {
  base::check(!allow_words(method).empty(), "a handler's method is one that Allow can name");
  entries_.push_back({method, std::move(path), std::move(handler)});
}

Answer Router::answer(const Request& request) const {
  const http::Method wanted = request.method == http::Method::Head ? http::Method::Get : request.method;
  std::string allow;
  for (const Entry& entry : entries_) {
    if (entry.path != request.path) continue;
    if (entry.method == wanted) return entry.handler(request);
    if (!allow.empty()) allow += ", ";
    allow += allow_words(entry.method);
  }
  if (allow.empty()) return text_answer(404, "there is nothing here; / lists what there is");
  Answer refused = text_answer(405, "this path knows only " + allow);
  refused.allow = std::move(allow);
  return refused;
}

}  // namespace holdfast::admin
