#include "tests/house/tree.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace holdfast::house {
namespace {

struct Floor {
  std::string_view folder;
  int level;
};
constexpr std::array kFloors = {Floor{"base", 0},    Floor{"http", 1},  Floor{"conf", 1},   Floor{"net", 2},
                                Floor{"web", 3},     Floor{"redis", 3}, Floor{"health", 4}, Floor{"sessions", 4},
                                Floor{"cluster", 5}, Floor{"proxy", 6}, Floor{"admin", 6},  Floor{"ctl", 7},
                                Floor{"server", 7}};

std::string_view skip_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

std::optional<Include> include_of(std::string_view line) {
  line = skip_blanks(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = skip_blanks(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = skip_blanks(line.substr(7));
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const auto end = line.find(line[0] == '<' ? '>' : '"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), line[0]};
}

}  // namespace

Tree read_tree(const std::filesystem::path& root) {
  Tree tree;
  std::vector<std::string> tops = {"tests", "bench"};
  for (const Floor& floor : kFloors) tops.emplace_back(floor.folder);
  for (const auto& top : tops) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top, error)) {
      const auto path = entry.path().lexically_relative(root).generic_string();
      if (!entry.is_regular_file() || (!is_source(path) && !path.ends_with(".cmake"))) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      tree.emplace(path, std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
    }
  }
  return tree;
}

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }

std::optional<int> level_of(std::string_view folder) {
  const auto at = std::ranges::find(kFloors, folder, &Floor::folder);
  return at == kFloors.end() ? std::nullopt : std::optional<int>(at->level);
}

bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

std::string unit_of(std::string_view path) { return std::string(path.substr(0, path.rfind('.'))); }

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> found;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto include = include_of(text.substr(0, end))) found.push_back(std::move(*include));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

std::vector<std::string> quoted_includes(const Tree& tree, const std::string& file) {
  std::vector<std::string> names;
  const auto at = tree.find(file);
  if (at == tree.end()) return names;
  for (auto& include : includes_of(at->second)) {
    if (include.opening == '"') names.push_back(std::move(include.name));
  }
  return names;
}

}  // namespace holdfast::house
