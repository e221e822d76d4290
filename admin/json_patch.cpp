#include "admin/json_patch.h"

#include <algorithm>
#include <utility>

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;
using Members = Json::object_t;

/// Finds members in the order they are asked for: both documents come from the same hand, so the next one is mostly it.
class TailFinder {
 public:
  explicit TailFinder(Members& members) : members_(members) {}
  Json* find(const std::string& key) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& member = *(members_.begin() + static_cast<std::ptrdiff_t>((at_ + i) % members_.size()));
      if (member.first != key) continue;
      at_ = (at_ + i + 1) % members_.size();
      return &member.second;
    }
    return nullptr;
  }

 private:
  Members& members_;
  std::size_t at_ = 0;
};

/// The elements of `wanted` behind the last one of `known`.
Json what_is_new(const Json& known, const Json& wanted) {
  Json fresh = Json::array();
  if (known.is_array() && !known.empty() && wanted.is_array()) {
    const auto last = std::find(wanted.begin(), wanted.end(), known.back());
    if (last != wanted.end()) {
      for (auto it = last + 1; it != wanted.end(); ++it) fresh.push_back(*it);
      return fresh;
    }
  }
  return wanted;
}

std::optional<Json> catch_up_object(Json& known, const Json& wanted, const PriorityOf& priority, Priority least,
                                    Priority here);

/// One member: what has to be said of it.
std::optional<Json> catch_up_member(const std::string& key, Json& known, const Json& wanted, const PriorityOf& priority,
                                    Priority least, Priority here) {
  if (known.is_object() && wanted.is_object()) return catch_up_object(known, wanted, priority, least, here);
  if (here > least || known == wanted) return std::nullopt;
  Json said = key == "history" ? what_is_new(known, wanted) : wanted;
  known = wanted;
  return said;
}

std::optional<Json> catch_up_object(Json& known, const Json& wanted, const PriorityOf& priority, Priority least,
                                    Priority here) {
  Json patch = Json::object();
  auto& said = patch.get_ref<Members&>();
  auto& members = known.get_ref<Members&>();
  TailFinder old(members);
  std::vector<std::pair<std::string, Json>> added;
  for (const auto& [key, value] : wanted.get_ref<const Members&>()) {
    const Priority own = priority(key);
    if (own == Priority::Never) continue;
    Json* const before = old.find(key);
    if (before == nullptr) {
      added.emplace_back(key, value);  // a new member is news whatever it is
      continue;
    }
    if (auto change = catch_up_member(key, *before, value, priority, least, std::min(own, here))) {
      said.push_back({key, std::move(*change)});
    }
  }
  const bool has_lost = members.size() + added.size() != wanted.size();
  for (auto it = members.begin(); has_lost && it != members.end();) {
    if (wanted.contains(it->first) || priority(it->first) == Priority::Never) {
      ++it;
      continue;
    }
    said.push_back({it->first, Json()});
    it = members.erase(it);
  }
  for (auto& [key, value] : added) {
    said.push_back({key, value});
    members.push_back({key, std::move(value)});
  }
  if (said.empty()) return std::nullopt;
  return patch;
}

}  // namespace

std::optional<Json> catch_up(Json& known, const Json& wanted, const PriorityOf& priority, Priority least) {
  return catch_up_object(known, wanted, priority, least, Priority::Later);
}

}  // namespace holdfast::admin
