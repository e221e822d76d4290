#include "conf/toml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "conf/toml_scan.h"

// toml++ 3.3 asserts what it then handles: a header such as "[%x]" would stop a debug build, and be undefined in a
// clang release build, where its assertions become assumptions (only without NDEBUG can they be turned off).
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

namespace holdfast::conf {

static_assert(TOML_MAX_NESTED_VALUES == kNestedValuesMax);

namespace {

Place place_of(const toml::source_region& region) {
  return {std::max<std::uint32_t>(1, region.begin.line), std::max<std::uint32_t>(1, region.begin.column)};
}

TomlNode converted(const toml::node& from);

void convert_table(const toml::table& from, TomlNode& to) {
  to.kind = TomlNode::Kind::Table;
  to.entries.reserve(from.size());
  for (auto&& [key, value] : from) {
    to.entries.push_back({std::string(key.str()), place_of(key.source()), converted(value)});
  }
  // toml++ sorts by key; an operator thinks in the order of the file.
  std::stable_sort(to.entries.begin(), to.entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.place < b.place; });
}

TomlNode converted(const toml::node& from) {
  TomlNode to;
  to.place = place_of(from.source());
  switch (from.type()) {
    case toml::node_type::table:
      convert_table(*from.as_table(), to);
      break;
    case toml::node_type::array:
      to.kind = TomlNode::Kind::Array;
      to.items.reserve(from.as_array()->size());
      for (const toml::node& item : *from.as_array()) to.items.push_back(converted(item));
      break;
    case toml::node_type::string:
      to.kind = TomlNode::Kind::Text;
      to.text = from.as_string()->get();
      break;
    case toml::node_type::integer:
      to.kind = TomlNode::Kind::Integer;
      to.integer = from.as_integer()->get();
      break;
    case toml::node_type::boolean:
      to.kind = TomlNode::Kind::Boolean;
      to.boolean = from.as_boolean()->get();
      break;
    case toml::node_type::floating_point:
      to.kind = TomlNode::Kind::Float;
      break;
    default:
      to.kind = TomlNode::Kind::Date;
      break;
  }
  return to;
}

}  // namespace

const TomlNode* TomlNode::find(std::string_view key) const {
  for (const TomlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::variant<TomlNode, Mistake> parse_toml(std::string_view text) {
  if (text.size() > kFileBytesMax) {
    return Mistake{1, 1, fmt::format("the file has {} bytes, expected at most {}", text.size(), kFileBytesMax)};
  }
  if (auto trouble = find_trouble(text, kKeySegmentsMax)) return *std::move(trouble);
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    const Place place = place_of(result.error().source());
    return Mistake{place.line, place.column, std::string(result.error().description())};
  }
  return converted(result.table());
}

}  // namespace holdfast::conf
