#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::admin {

/// One member of an object that is being made.
struct JsonMember {
  std::string_view key;
  mutable nlohmann::ordered_json value;  ///< Taken out: what is in an initializer list could only be copied.
};

/// An object of members that are known to differ. An ordered_json made from a list looks each key up among those before
/// it and copies what it holds each time it grows: five times the cost, and a status has thousands of members.
inline nlohmann::ordered_json json_object(std::initializer_list<JsonMember> members) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  auto& made = out.get_ref<nlohmann::ordered_json::object_t&>();
  made.reserve(members.size());
  for (const JsonMember& member : members) made.emplace_back(std::string(member.key), std::move(member.value));
  return out;
}

}  // namespace holdfast::admin
