#include "admin/cluster_json.h"

#include <utility>

#include "base/json.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

Json observation_json(const ObservationView& seen) {
  return {{"probe", seen.word},
          {"suspect", seen.suspect},
          {"passed_in_a_row", seen.passed_in_a_row},
          {"failed_in_a_row", seen.failed_in_a_row},
          {"reason", seen.reason},
          {"age_ms", seen.age ? Json(base::count_ms(*seen.age)) : Json()}};
}

Json proxy_json(const ProxyView& proxy) {
  Json sees = Json::object();
  auto& entries = sees.get_ref<Json::object_t&>();  // the names differ: no need to look each up
  for (const ObservationView& seen : proxy.sees) entries.push_back({seen.backend, observation_json(seen)});
  return {{"name", proxy.name},        {"instance", proxy.instance}, {"self", proxy.is_self},
          {"leader", proxy.is_leader}, {"cut_off", proxy.cut_off},   {"sees", std::move(sees)}};
}

std::string dumped(const Json& json) { return base::json_text(json) + "\n"; }

}  // namespace

std::string cluster_json(const ClusterView& view) {
  Json proxies = Json::array();
  for (const ProxyView& proxy : view.proxies) proxies.push_back(proxy_json(proxy));
  return dumped({{"state", view.state},
                 {"reason", view.reason},
                 {"node", view.node},
                 {"cut_off", view.cut_off},
                 {"leader", view.leader},
                 {"is_leader", view.is_leader},
                 {"fencing_number", view.fencing_number},
                 {"nodes", std::move(proxies)}});
}

std::string leader_json(const ClusterView& view) {
  return dumped({{"leader", view.leader},
                 {"node", view.node},
                 {"is_leader", view.is_leader},
                 {"fencing_number", view.fencing_number}});
}

}  // namespace holdfast::admin
