#include "admin/endpoints.h"

#include "admin/cluster_json.h"
#include "admin/metrics.h"
#include "admin/overview.h"
#include "admin/page.h"
#include "admin/page_source.h"
#include "admin/process.h"
#include "admin/status_json.h"

namespace holdfast::admin {

using web::parameter;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

Response readyz(const StatusSource& source) {
  const Readiness readiness = source.readiness();
  return readiness.ready ? text_response(200, "ready") : text_response(503, readiness.reason);
}

Response status(const StatusSource& source) {
  Response response;
  response.content_type = "application/json";
  response.body = status_json(source.status());
  return response;
}

Response cluster(const StatusSource& source) {
  Response response;
  response.content_type = "application/json";
  response.body = cluster_json(source.cluster());
  return response;
}

Response leader(const StatusSource& source) {
  const ClusterView view = source.cluster();
  if (view.leader.empty()) {
    return text_response(503, view.state == "off" ? "no [cluster] is configured" : "no leader is known");
  }
  Response response;
  response.content_type = "application/json";
  response.body = leader_json(view);
  return response;
}

Response metrics(const StatusSource& source) {
  Response response;
  response.content_type = kMetricsType;
  response.body = metrics_text(source.status(), read_process_facts());
  return response;
}

Response configuration(const StatusSource& source) {
  Response response;
  response.body = source.configuration();
  return response;
}

Response description() {
  Response response;
  response.content_type = "application/json";
  response.body = kOpenApi;
  return response;
}

Response history(const History& curves) {
  Response response;
  response.content_type = "application/json";
  response.body = curves.json();
  return response;
}

/// The timeline, or, to who accepts it, the live stream. Resumed after the event that Last-Event-ID or ?after= name.
Response events(const Request& request, const Timeline& timeline, Live& live, const Access& access) {
  std::string_view seen = request.field("Last-Event-ID");
  if (seen.empty()) seen = parameter(request.query, "after");
  const std::uint64_t after = timeline.number_of(seen);
  Response response;
  if (request.field("Accept").find("text/event-stream") == std::string_view::npos) {
    response.content_type = "application/json";
    response.body = events_json(timeline, after);
    return response;
  }
  const bool with_status = parameter(request.query, "status") == "1";
  response.content_type = "text/event-stream";
  response.more_fields = "X-Accel-Buffering: no\r\n";  // to nginx and its like: what is live is passed on at once
  response.feed = live.listen(after, with_status ? Live::With::Status : Live::With::EventsOnly,
                              [&access, caller = request.caller] { return access.still_admits(caller); });
  return response.feed ? response : text_response(503, "too many listeners: poll instead");
}

Response page() {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.content_security_policy = status_page().policy;
  response.body = status_page().html;
  return response;
}

Response overview(const StatusSource& source) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.content_security_policy = kOverviewPolicy;
  response.body = overview_html(source.status());
  return response;
}

}  // namespace

Router make_router(const Services& services) {
  using http::Method;
  Router router;
  const auto get = [&router](const char* path, auto handler) {
    router.add(Method::Get, path, [handler](const Request& request) { return handler(request); });
  };
  const StatusSource& source = services.source;
  get("/", [](const Request&) { return page(); });
  get("/plain", [&source](const Request&) { return overview(source); });
  get("/livez", [](const Request&) { return text_response(200, "alive"); });
  get("/readyz", [&source](const Request&) { return readyz(source); });
  get("/metrics", [&source](const Request&) { return metrics(source); });
  get("/api/v1/status", [&source](const Request&) { return status(source); });
  get("/api/v1/cluster", [&source](const Request&) { return cluster(source); });
  get("/api/v1/openapi.json", [](const Request&) { return description(); });
  get("/api/v1/config", [&source](const Request&) { return configuration(source); });
  get("/api/v1/history", [&history_of = services.history](const Request&) { return history(history_of); });
  get("/api/v1/events", [&timeline = services.timeline, &live = services.live, &access = services.access](
                            const Request& request) { return events(request, timeline, live, access); });
  get("/cluster/leader", [&source](const Request&) { return leader(source); });
  router.set_filter([&access = services.access](Request& request, Router::Respond& respond) {
    return access.admit(request, respond);
  });
  services.access.add_routes(router);
  add_operator_routes(router, source, services.operators);
  add_session_routes(router, source, services.sessions);
  add_roll_routes(router, source, services.rolls);
  add_reload_route(router, services.reloads);
  add_quarantine_routes(router, services.quarantine);
  return router;
}

}  // namespace holdfast::admin
