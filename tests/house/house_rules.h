#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// The rules of the house about files and folders, as a function of the tree's texts.
namespace holdfast::house {

/// Path below the root -> text, of all sources and .cmake files.
using Tree = std::map<std::string, std::string>;

/// The real tree below `root`, without what a build made.
Tree read_tree(const std::filesystem::path& root);

/// What breaks a rule, one sentence each, naming the file and the offending include:
/// a folder includes only what stands on a lower floor;
std::vector<std::string> floor_offences(const Tree& tree);
/// libevent, OpenSSL's ssl.h and hiredis stay inside net/;
std::vector<std::string> library_offences(const Tree& tree);
/// no file includes itself by way of others;
std::vector<std::string> cycle_offences(const Tree& tree);
/// no source is longer than 500 lines;
std::vector<std::string> length_offences(const Tree& tree);
/// every .cpp is built by its folder's folder.cmake.
std::vector<std::string> orphan_offences(const Tree& tree);

}  // namespace holdfast::house
