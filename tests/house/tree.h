#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The house as the rules see it: the texts of its files.
namespace holdfast::house {

/// Path below the root -> text, of all sources and .cmake files.
using Tree = std::map<std::string, std::string>;

/// The real tree below `root`, without what a build made.
Tree read_tree(const std::filesystem::path& root);

/// "proxy" of "proxy/client.h".
std::string_view folder_of(std::string_view path);
/// Of a folder of the product; nullopt: it is none.
std::optional<int> level_of(std::string_view folder);
bool is_source(std::string_view path);
/// "proxy/client" of proxy/client.h and proxy/client.cpp.
std::string unit_of(std::string_view path);

struct Include {
  std::string name;
  char opening;  ///< '"' or '<'
};
std::vector<Include> includes_of(std::string_view text);
/// The names in "..." of a file's includes; none where the tree has no such file.
std::vector<std::string> quoted_includes(const Tree& tree, const std::string& file);

}  // namespace holdfast::house
