// What the libraries of CMake say of the floors, beside what the sources include.

#include <algorithm>
#include <set>

#include "tests/house/house_rules.h"

namespace holdfast::house {
namespace {

/// One holdfast_library() of a folder.cmake.
struct Library {
  std::string name;
  std::string folder;
  std::set<std::string> units;
  std::set<std::string> links;  // of ours, by name

  /// It is the whole folder, or what its parts leave of it.
  bool is_main() const { return name == folder; }
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) return words;
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Library library_of(std::string_view arguments) {
  constexpr std::string_view kOurs = "holdfast::";
  const auto words = words_of(arguments);
  Library library{.name = words.at(0), .folder = words.at(0), .units = {}, .links = {}};
  std::string key;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "FOLDER" || word == "SOURCES" || word == "LINKS" || word == "PRIVATE_LINKS") {
      key = word;
    } else if (key == "FOLDER") {
      library.folder = word;
    } else if (key == "SOURCES") {
      library.units.insert(library.folder + "/" + word);  // FOLDER comes first
    } else if (word.starts_with(kOurs)) {
      library.links.insert(word.substr(kOurs.size()));
    }
  }
  return library;
}

std::map<std::string, Library> libraries_of(const Tree& tree) {
  constexpr std::string_view kBegin = "holdfast_library(";
  std::map<std::string, Library> libraries;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with(".cmake") || !level_of(folder_of(path))) continue;
    for (auto at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at + 1)) {
      const auto begin = at + kBegin.size();
      Library library = library_of(std::string_view(text).substr(begin, text.find(')', at) - begin));
      libraries.emplace(library.name, library);
    }
  }
  return libraries;
}

/// The library that builds a unit; a header without a source belongs to its folder.
std::string home_of(const std::map<std::string, Library>& libraries, const std::string& unit) {
  for (const auto& [name, library] : libraries) {
    if (library.units.contains(unit)) return name;
  }
  return std::string(folder_of(unit));
}

bool has_source(const Tree& tree, const std::string& unit) { return tree.contains(unit + ".cpp"); }

}  // namespace

std::vector<std::string> link_offences(const Tree& tree) {
  const auto libraries = libraries_of(tree);
  std::vector<std::string> offences;
  std::map<std::string, std::set<std::string>> used;  // library -> those of others that it includes something of
  for (const auto& [path, text] : tree) {
    const std::string own = home_of(libraries, unit_of(path));
    if (!is_source(path) || !level_of(folder_of(path)) || !libraries.contains(own)) continue;
    for (const auto& include : quoted_includes(tree, path)) {
      const std::string unit = unit_of(include);
      const std::string folder(folder_of(unit));
      const std::string home = home_of(libraries, unit);
      if (home == own || !level_of(folder)) continue;
      const std::set<std::string>& links = libraries.at(own).links;
      used[own].insert({home, folder});
      // Of what is only a header, any part of its folder will do: there is nothing to link.
      const bool is_any_part_enough = !has_source(tree, unit);
      const bool is_linked = std::ranges::any_of(links, [&](const std::string& link) {
        if (link == home) return true;
        const auto at = libraries.find(link);
        return is_any_part_enough && at != libraries.end() && at->second.folder == folder;
      });
      const bool is_own_header = is_any_part_enough && folder == folder_of(path);
      if (!is_linked && !is_own_header) {
        std::string offence = path;
        offence.append(" includes \"").append(include).append("\", but holdfast_library(").append(own);
        offences.push_back(offence.append(") does not link holdfast::").append(home));
      }
    }
  }
  for (const auto& [name, library] : libraries) {
    for (const auto& link : library.links) {
      if (!used[name].contains(link)) {
        std::string offence = "holdfast_library(" + name;
        offences.push_back(offence.append(") links holdfast::").append(link).append(" and includes nothing of it"));
      }
    }
  }
  return offences;
}

}  // namespace holdfast::house
