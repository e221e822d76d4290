#include "admin/endpoints.h"

#include "admin/cluster_json.h"
#include "admin/metrics.h"
#include "admin/overview.h"
#include "admin/process.h"
#include "admin/status_json.h"

namespace holdfast::admin {

namespace {

Answer readyz(const Source& source) {
  const Readiness readiness = source.readiness();
  return readiness.ready ? text_answer(200, "ready") : text_answer(503, readiness.reason);
}

Answer status(const Source& source) {
  Answer answer;
  answer.content_type = "application/json";
  answer.body = status_json(source.status());
  return answer;
}

Answer cluster(const Source& source) {
  Answer answer;
  answer.content_type = "application/json";
  answer.body = cluster_json(source.cluster());
  return answer;
}

Answer leader(const Source& source) {
  const ClusterView view = source.status().cluster;
  if (view.leader.empty()) {
    return text_answer(503, view.state == "off" ? "no [cluster] is configured" : "no leader is known");
  }
  Answer answer;
  answer.content_type = "application/json";
  answer.body = leader_json(view);
  return answer;
}

Answer metrics(const Source& source) {
  Answer answer;
  answer.content_type = kMetricsType;
  answer.body = metrics_text(source.status(), read_process_facts());
  return answer;
}

Answer overview(const Source& source) {
  Answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.content_security_policy = kOverviewPolicy;
  answer.body = overview_html(source.status());
  return answer;
}

}  // namespace

Router make_router(const Source& source, OperatorDesk& operators, SessionDesk& sessions) {
  using http::Method;
  Router router;
  router.add(Method::Get, "/", [&source](const Request&) { return overview(source); });
  router.add(Method::Get, "/livez", [](const Request&) { return text_answer(200, "alive"); });
  router.add(Method::Get, "/readyz", [&source](const Request&) { return readyz(source); });
  router.add(Method::Get, "/metrics", [&source](const Request&) { return metrics(source); });
  router.add(Method::Get, "/api/v1/status", [&source](const Request&) { return status(source); });
  router.add(Method::Get, "/api/v1/cluster", [&source](const Request&) { return cluster(source); });
  router.add(Method::Get, "/cluster/leader", [&source](const Request&) { return leader(source); });
  add_operator_routes(router, source, operators);
  add_session_routes(router, source, sessions);
  return router;
}

}  // namespace holdfast::admin
