#include "admin/cluster_json.h"

#include <utility>

#include "base/json.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

Json sighting_json(const SightingView& seen) {
  return {{"probe", seen.word},
          {"suspect", seen.suspect},
          {"passed_in_a_row", seen.passed_in_a_row},
          {"failed_in_a_row", seen.failed_in_a_row},
          {"reason", seen.reason},
          {"age_ms", seen.age ? Json(base::count_ms(*seen.age)) : Json()}};
}

Json node_json(const NodeView& node) {
  Json sees = Json::object();
  auto& entries = sees.get_ref<Json::object_t&>();  // the names differ: no need to look each up
  for (const SightingView& seen : node.sees) entries.push_back({seen.backend, sighting_json(seen)});
  return {{"name", node.name},        {"instance", node.instance}, {"self", node.is_self},
          {"leader", node.is_leader}, {"cut_off", node.cut_off},   {"sees", std::move(sees)}};
}

std::string dumped(const Json& json) { return base::json_text(json) + "\n"; }

}  // namespace

std::string cluster_json(const ClusterView& view) {
  Json nodes = Json::array();
  for (const NodeView& node : view.nodes) nodes.push_back(node_json(node));
  return dumped({{"state", view.state},
                 {"reason", view.reason},
                 {"node", view.node},
                 {"cut_off", view.cut_off},
                 {"leader", view.leader},
                 {"is_leader", view.is_leader},
                 {"fencing_number", view.fencing_number},
                 {"nodes", std::move(nodes)}});
}

std::string leader_json(const ClusterView& view) {
  return dumped({{"leader", view.leader},
                 {"node", view.node},
                 {"is_leader", view.is_leader},
                 {"fencing_number", view.fencing_number}});
}

}  // namespace holdfast::admin
