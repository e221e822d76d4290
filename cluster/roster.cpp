#include "cluster/roster.h"

#include <algorithm>
#include <utility>

namespace holdfast::cluster {

namespace {

NodeWord* find(std::vector<NodeWord>& nodes, std::string_view id) {
  const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const NodeWord& node) { return node.id() == id; });
  return it == nodes.end() ? nullptr : &*it;
}

void keep_newer(NodeWord& now, const NodeWord& before) {
  for (const auto& [backend, seen] : before.sees) {
    if (seen.number > now.number) now.sees.insert_or_assign(backend, seen);
  }
}

}  // namespace

Roster::Change Roster::update(std::vector<NodeWord> live, base::Instant now) {
  updated_ = now;
  std::erase_if(live, [this](const NodeWord& node) { return node.id() == own_id_; });
  std::sort(live.begin(), live.end(), [](const NodeWord& a, const NodeWord& b) { return a.id() < b.id(); });
  Change change;
  for (NodeWord& node : live) {
    if (const NodeWord* before = find(others_, node.id())) {
      keep_newer(node, *before);
    } else {
      change.joined.push_back(node.id());
    }
  }
  for (const NodeWord& node : others_) {
    if (find(live, node.id()) == nullptr) change.left.push_back(node.id());
  }
  others_ = std::move(live);
  return change;
}

bool Roster::hear(const Shout& shout) {
  NodeWord* node = find(others_, shout.node);
  if (node == nullptr) return false;
  if (node->sees.size() >= kBackendsSeenMax && !node->sees.contains(shout.backend)) return false;
  Observation& seen = node->sees[shout.backend];
  if (seen.number >= shout.seen.number) return false;
  seen = shout.seen;
  return true;
}

bool Roster::remove(std::string_view id) {
  return std::erase_if(others_, [&](const NodeWord& node) { return node.id() == id; }) > 0;
}

void Roster::forget() {
  others_.clear();
  updated_.reset();
}

std::size_t Roster::namesakes(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(others_.begin(), others_.end(), [&](const NodeWord& node) { return node.name == name; }));
}

health::Share Roster::share(Standing own, base::Instant epoch) const {
  if (own == Standing::CutOff) return {};
  health::Share share{.index = 0, .count = 1, .epoch = epoch};
  for (const NodeWord& node : others_) {
    if (node.standing == Standing::CutOff) continue;
    ++share.count;
    if (node.id() < own_id_) ++share.index;
  }
  if (share.count == 1) return {};
  return share;
}

}  // namespace holdfast::cluster
