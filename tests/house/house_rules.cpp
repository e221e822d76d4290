#include "tests/house/house_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

namespace holdfast::house {
namespace {

constexpr std::size_t kLinesMax = 500;

using Graph = std::map<std::string, std::set<std::string>>;

// Depth first; `path` is how we came to `node`.
void find_cycles(const Graph& graph, const std::string& node, std::vector<std::string>& path,
                 std::set<std::string>& done, std::vector<std::string>& offences) {
  if (const auto at = std::ranges::find(path, node); at != path.end()) {
    std::string text = "include cycle: ";
    for (auto step = at; step != path.end(); ++step) text += *step + " -> ";
    offences.push_back(text + node);
    return;
  }
  if (done.count(node) != 0) return;
  path.push_back(node);
  if (const auto at = graph.find(node); at != graph.end()) {
    for (const auto& next : at->second) find_cycles(graph, next, path, done, offences);
  }
  path.pop_back();
  done.insert(node);
}

std::vector<std::string> cycles_in(const Graph& graph) {
  std::vector<std::string> offences;
  std::vector<std::string> path;
  std::set<std::string> done;
  for (const auto& [node, nexts] : graph) find_cycles(graph, node, path, done, offences);
  return offences;
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

/// The file that starts threads, of those of tests/ that `file` is made of; nullopt: none does.
std::optional<std::string> thread_starter(const Tree& tree, const std::string& file) {
  std::vector<std::string> open = {file};
  std::set<std::string> seen;
  while (!open.empty()) {
    const std::string path = std::move(open.back());
    open.pop_back();
    const auto at = tree.find(path);
    if (at == tree.end() || !path.starts_with("tests/") || !seen.insert(path).second) continue;
    for (const char* word : {"std::"
                             "thread",
                             "std::"
                             "jthread"}) {  // in two parts: this file starts none
      if (at->second.find(word) != std::string::npos) return path;
    }
    open.push_back(unit_of(path) + ".cpp");
    for (auto& include : quoted_includes(tree, path)) open.push_back(std::move(include));
  }
  return std::nullopt;
}

}  // namespace

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
    if (!level_of(folder_of(path)) || !is_source(path)) continue;
    for (const auto& include : includes_of(text)) {
      const std::string_view name = include.name;
      const bool is_of_net = name.starts_with("event2/") || name == "event.h" || name == "openssl/ssl.h";
      const bool is_of_redis = name.starts_with("hiredis");
      const std::string_view home = is_of_net ? "net" : is_of_redis ? "redis" : folder_of(path);
      if (folder_of(path) != home) {
        offences.push_back(path + " includes <" + include.name + ">, which only " + std::string(home) + "/ may");
      }
    }
  }
  return offences;
}

std::vector<std::string> cycle_offences(const Tree& tree) {
  Graph graph;
  for (const auto& [file, text] : tree) {
    for (auto& include : quoted_includes(tree, file)) graph[file].insert(std::move(include));
  }
  return cycles_in(graph);
}

std::vector<std::string> unit_cycle_offences(const Tree& tree) {
  Graph graph;
  for (const auto& [file, text] : tree) {
    const std::string unit = unit_of(file);
    for (const auto& include : quoted_includes(tree, file)) {
      if (unit_of(include) != unit) graph[unit].insert(unit_of(include));
    }
  }
  return cycles_in(graph);
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

std::vector<std::string> thread_offences(const Tree& tree) {
  // What tests/folder.cmake names for TSan.
  const auto cmake = tree.find("tests/folder.cmake");
  std::string_view list = cmake == tree.end() ? std::string_view() : cmake->second;
  list.remove_prefix(std::min(list.find("STREQUAL \"thread\""), list.size()));
  list.remove_prefix(std::min(list.find("set(tested "), list.size()));
  const auto watched = words_of(list.substr(0, list.find('\n')));

  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!path.starts_with("tests/") || !path.ends_with("_test.cpp")) continue;
    const std::string folder(folder_of(std::string_view(path).substr(6)));
    if (watched.contains(folder)) continue;
    if (const auto starter = thread_starter(tree, path)) {
      std::string offence = "tests/" + folder;
      offence.append(" is not in the list for TSan of tests/folder.cmake: ").append(path);
      offences.push_back(offence.append(" starts threads (").append(*starter).append(")"));
    }
  }
  return offences;
}

}  // namespace holdfast::house
