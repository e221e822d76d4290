#pragma once

#include <string>
#include <vector>

#include "tests/house/tree.h"

/// The rules of the house about files and folders, as a function of the tree's texts.
namespace holdfast::house {

/// What breaks a rule, one sentence each, naming the file and the offending include:
/// a folder includes only what stands on a lower floor;
std::vector<std::string> floor_offences(const Tree& tree);
/// libevent and OpenSSL's ssl.h stay inside net/, hiredis inside redis/;
std::vector<std::string> library_offences(const Tree& tree);
/// no file includes itself by way of others;
std::vector<std::string> cycle_offences(const Tree& tree);
/// nor does a unit, a .h and the .cpp of the same name;
std::vector<std::string> unit_cycle_offences(const Tree& tree);
/// a library of CMake links those that its sources include something of, and no others;
std::vector<std::string> link_offences(const Tree& tree);
/// no source is longer than 500 lines;
std::vector<std::string> length_offences(const Tree& tree);
/// every .cpp is built by its folder's folder.cmake;
std::vector<std::string> orphan_offences(const Tree& tree);
/// a folder whose tests start threads is tested under TSan.
std::vector<std::string> thread_offences(const Tree& tree);

}  // namespace holdfast::house
