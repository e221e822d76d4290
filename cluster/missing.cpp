#include "cluster/missing.h"

#include <algorithm>

namespace holdfast::cluster {

void Missing::note(const Roster::Change& change, const std::vector<NodeWord>& others, base::Instant now) {
  for (const std::string& id : change.left) {
    const std::string name = id.substr(0, id.rfind('#'));
    std::erase_if(nodes_, [&](const Node& node) { return node.name == name; });
    nodes_.push_back({.name = name, .id = id, .left = now});
  }
  // The lease of a node that was killed and started again ends while the new one is there already: ours, too.
  const auto is_there = [&](const Node& node) {
    return node.name == own_name_ ||
           std::any_of(others.begin(), others.end(), [&](const NodeWord& other) { return other.name == node.name; });
  };
  std::erase_if(nodes_, [&](const Node& node) { return is_there(node) || now - node.left > kKept; });
  if (nodes_.size() > kNamesMax) nodes_.erase(nodes_.begin(), nodes_.end() - static_cast<std::ptrdiff_t>(kNamesMax));
}

void Missing::excuse(std::string_view id) {
  std::erase_if(nodes_, [&](const Node& node) { return node.id == id; });
}

std::vector<std::string> Missing::names() const {
  std::vector<std::string> out;
  out.reserve(nodes_.size());
  for (const Node& node : nodes_) out.push_back(node.name);
  return out;
}

}  // namespace holdfast::cluster
