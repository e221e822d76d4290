#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "conf/diagnostic.h"

namespace holdfast::conf {

/// Where something stands in the file; both count from 1, columns in code points.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  bool operator<(const Place& other) const { return std::tie(line, column) < std::tie(other.line, other.column); }
};

struct TomlEntry;

/// A TOML value with its place: the facade that keeps toml++ (slow to compile) inside toml_tree.cpp.
struct TomlNode {
  enum class Kind : std::uint8_t { Text, Integer, Float, Boolean, Date, Array, Table };

  Kind kind = Kind::Table;
  Place place;
  std::string text;
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<TomlNode> items;     ///< Of an array.
  std::vector<TomlEntry> entries;  ///< Of a table, in the order of the file.

  bool is(Kind wanted) const { return kind == wanted; }
  /// Of a table; nullptr when the key is not there.
  const TomlNode* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  Place place;  ///< Of the key; value.place is the value's.
  TomlNode value;
};

/// Bounds on what is parsed: toml++ recurses over nested values and over the segments of dotted keys.
inline constexpr std::size_t kFileBytesMax = 4u << 20;
inline constexpr std::size_t kKeySegmentsMax = 16;
inline constexpr std::size_t kNestedValuesMax = 16;

/// The whole file as a table, or its first syntax error (TOML 1.0).
std::variant<TomlNode, Diagnostic> parse_toml(std::string_view text);

}  // namespace holdfast::conf
