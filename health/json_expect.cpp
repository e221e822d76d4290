#include "health/json_expect.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>

namespace holdfast::health {

namespace {

using nlohmann::json;

// nullopt: an object or an array. Those are never written out: their depth is the peer's choice, our stack is not.
std::optional<std::string> scalar_text(const json& value) {
  if (value.is_structured()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::optional<std::string> mismatch_of(const json& document, const std::string& pointer, const std::string& wanted) {
  const json::json_pointer at(pointer);
  if (!document.contains(at)) return fmt::format("{} is missing, expected \"{}\"", pointer, wanted);
  const auto found = scalar_text(document.at(at));
  if (!found) return fmt::format("{} is not a plain value, expected \"{}\"", pointer, wanted);
  if (*found != wanted) return fmt::format("{} is \"{}\", expected \"{}\"", pointer, *found, wanted);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> json_mismatch(std::string_view text,
                                         const std::vector<std::pair<std::string, std::string>>& expected) {
  if (expected.empty()) return std::nullopt;
  try {
    const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (document.is_discarded()) return "the body is not JSON";
    for (const auto& [pointer, wanted] : expected) {
      if (auto mismatch = mismatch_of(document, pointer, wanted)) return mismatch;
    }
    return std::nullopt;
  } catch (const std::exception& e) {  // a pointer that is none, an array index that is none
    return std::string(e.what());
  }
}

}  // namespace holdfast::health
