#pragma once

#include <nlohmann/json.hpp>

namespace holdfast::admin {

/// What a page does with a patch (admin/json_patch.h).
template <typename Json>
void merge_patch(Json& target, const Json& patch) {
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(key);
    } else if (key == "history" && target.contains(key)) {
      for (const Json& each : value) target[key].push_back(each);
    } else if (value.is_object() && target.contains(key) && target[key].is_object()) {
      merge_patch(target[key], value);
    } else {
      target[key] = value;
    }
  }
}

}  // namespace holdfast::admin
