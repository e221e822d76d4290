#include "admin/quarantine_api.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace holdfast::admin {

using web::json_response;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;

Response list(const QuarantineService& service) {
  Json requests = Json::array();
  for (const QuarantinedRequest& each : service.quarantined()) {
    requests.push_back({{"id", each.id},
                        {"pool", each.pool},
                        {"backend", each.backend},
                        {"method", each.method},
                        {"path", each.path},
                        {"caller", each.is_for_all ? "all" : "one"},
                        {"crashes", each.crashes},
                        {"since", base::timestamp_text(each.since)},
                        {"seconds_left", std::chrono::ceil<std::chrono::seconds>(each.left).count()}});
  }
  return json_response({{"requests", std::move(requests)}});
}

Response release(const Request& request, QuarantineService& service) {
  const std::string& id = request.captures[0];
  if (!service.release(id, request.by())) return text_response(404, "no request of that id is in quarantine");
  return json_response({{"id", id}, {"released", true}});
}

}  // namespace

void add_quarantine_routes(Router& router, QuarantineService& service) {
  router.add(http::Method::Get, "/api/v1/quarantine", [&service](const Request&) { return list(service); });
  router.add(http::Method::Post, "/api/v1/quarantine/{id}/release",
             [&service](const Request& request) { return release(request, service); });
}

}  // namespace holdfast::admin
