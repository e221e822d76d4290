#include "admin/guard.h"

#include "admin/host_rule.h"
#include "base/text.h"

namespace holdfast::admin {

namespace {

bool is_json(std::string_view content_type) {
  return base::iequals(base::trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

}  // namespace

std::optional<Answer> guard_order(const Request& request) {
  if (!is_loopback(request.peer)) return text_answer(403, "orders are taken from this machine only");
  if (request.field("Sec-Fetch-Site") == "cross-site") return text_answer(403, "orders are not taken from other sites");
  if (is_json(request.field("Content-Type")) || request.field("X-Holdfast-Request") == "1") return std::nullopt;
  return text_answer(415, "send Content-Type: application/json, or X-Holdfast-Request: 1");
}

}  // namespace holdfast::admin
