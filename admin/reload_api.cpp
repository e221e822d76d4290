#include "admin/reload_api.h"

#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

using web::json_response;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;

std::optional<ReloadWish> read_wish(std::string_view text) {
  if (base::trim(text).empty()) return ReloadWish::Apply;
  const Json body = base::parse_json(text);
  if (!body.is_object()) return std::nullopt;
  for (const auto& [key, value] : body.items()) {
    if (key != "check" || !value.is_boolean()) return std::nullopt;
  }
  return body.value("check", false) ? ReloadWish::Check : ReloadWish::Apply;
}

std::uint16_t status_of(base::ErrorCode code) { return code == base::ErrorCode::Unavailable ? 503 : 422; }

Response report_response(const ReloadReport& report) {
  Json changes = Json::array();
  for (const conf::KeyChange& change : report.changes) {
    changes.push_back({{"key", change.key},
                       {"before", change.before},
                       {"after", change.after},
                       {"effect", change.effect == conf::KeyChange::Effect::AtOnce ? "at once" : "after a restart"}});
  }
  Json removed = Json::array();
  for (const auto& [backend, sessions] : report.removed) {
    removed.push_back({{"backend", backend}, {"sessions", sessions}});
  }
  const Json body = {{"applied", report.is_applied}, {"changes", changes}, {"removed", removed}};
  return json_response(body);
}

}  // namespace

void add_reload_route(Router& router, ReloadService& service) {
  router.add_later(http::Method::Post, "/api/v1/reload", [&service](const Request& request, Router::Respond respond) {
    const auto wish = read_wish(request.body);
    if (!wish) return respond(text_response(400, "the body: expected {\"check\": true} or nothing"));
    service.reload(*wish, [respond = std::move(respond)](const base::Result<ReloadReport>& done) {
      respond(done ? report_response(*done) : text_response(status_of(done.error().code), done.error().text));
    });
  });
}

}  // namespace holdfast::admin
