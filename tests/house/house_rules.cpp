#include "tests/house/house_rules.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

namespace holdfast::house {
namespace {

struct Floor {
  std::string_view folder;
  int level;
};
constexpr std::array kFloors = {Floor{"base", 0},   Floor{"http", 1},     Floor{"conf", 1},    Floor{"net", 2},
                                Floor{"health", 3}, Floor{"sessions", 3}, Floor{"cluster", 4}, Floor{"proxy", 5},
                                Floor{"admin", 5},  Floor{"server", 6}};
constexpr std::size_t kLinesMax = 500;

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }
bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

std::optional<int> level_of(std::string_view folder) {
  const auto at = std::ranges::find(kFloors, folder, &Floor::folder);
  return at == kFloors.end() ? std::nullopt : std::optional<int>(at->level);
}

std::string_view skip_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

struct Include {
  std::string name;
  char opening;  ///< '"' or '<'
};

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

// Depth first; `path` is how we came to `file`.
void find_cycles(const Tree& tree, const std::string& file, std::vector<std::string>& path, std::set<std::string>& done,
                 std::vector<std::string>& offences) {
  if (const auto at = std::ranges::find(path, file); at != path.end()) {
    std::string text = "include cycle: ";
    for (auto step = at; step != path.end(); ++step) text += *step + " -> ";
    offences.push_back(text + file);
    return;
  }
  if (done.count(file) != 0) return;
  path.push_back(file);
  for (const auto& next : quoted_includes(tree, file)) find_cycles(tree, next, path, done, offences);
  path.pop_back();
  done.insert(file);
}

std::set<std::string, std::less<>> words_of(std::string_view text) {
  std::set<std::string, std::less<>> words;
  constexpr std::string_view kBetween = " \t\r\n()\"";
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return words;
    const auto end = std::min(text.find_first_of(kBetween), text.size());
    words.emplace(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool is_built(std::string_view path, std::string_view cmake) {
  const auto slash = path.rfind('/');
  std::string_view stem = path.substr(slash + 1, path.size() - slash - 5);
  const auto words = words_of(cmake);
  const std::string as_path = "/" + std::string(path.substr(slash + 1));
  const bool by_path = std::ranges::any_of(words, [&](std::string_view word) {
    const auto star = word.find("/*");  // file(GLOB ... /*_fuzz.cpp)
    return word.ends_with(as_path) || (star != std::string_view::npos && path.ends_with(word.substr(star + 2)));
  });
  if (stem.ends_with("_test")) stem.remove_suffix(5);
  return by_path || words.count(stem) != 0;
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

std::vector<std::string> floor_offences(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    const auto own = level_of(folder_of(path));
    if (!own || !is_source(path)) continue;
    for (const auto& name : quoted_includes(tree, path)) {
      const auto other = level_of(folder_of(name));
      const bool same_folder = folder_of(name) == folder_of(path);
      std::string sentence = path;
      sentence.append(" includes \"").append(name).append("\", which ");
      if (!other || name.find('/') == std::string::npos) {
        offences.push_back(sentence.append("is no part of the house"));
      } else if (!same_folder && *other >= *own) {
        offences.push_back(sentence.append("does not stand on a lower floor"));
      }
    }
  }
  return offences;
}

std::vector<std::string> library_offences(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!level_of(folder_of(path)) || folder_of(path) == "net" || !is_source(path)) continue;
    for (const auto& include : includes_of(text)) {
      const std::string_view name = include.name;
      if (name.starts_with("event2/") || name == "event.h" || name == "openssl/ssl.h" || name.starts_with("hiredis")) {
        offences.push_back(path + " includes <" + include.name + ">, which only net/ may");
      }
    }
  }
  return offences;
}

std::vector<std::string> cycle_offences(const Tree& tree) {
  std::vector<std::string> offences;
  std::vector<std::string> path;
  std::set<std::string> done;
  for (const auto& [file, text] : tree) find_cycles(tree, file, path, done, offences);
  return offences;
}

std::vector<std::string> length_offences(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    if (is_source(path) && lines > kLinesMax) {
      offences.push_back(path + " has " + std::to_string(lines) + " lines, more than " + std::to_string(kLinesMax));
    }
  }
  return offences;
}

std::vector<std::string> orphan_offences(const Tree& tree) {
  std::map<std::string, std::string> cmakes;  // by folder
  for (const auto& [path, text] : tree) {
    if (path.ends_with(".cmake")) cmakes[path.substr(0, path.rfind('/'))] += text;
  }
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with(".cpp") || path == "tests/main.cpp") continue;
    if (!is_built(path, cmakes[path.substr(0, path.rfind('/'))])) {
      offences.push_back(path + " is in no folder.cmake: nobody builds it");
    }
  }
  return offences;
}

}  // namespace holdfast::house
