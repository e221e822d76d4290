#pragma once

#include <string>
#include <vector>

#include "tests/house/tree.h"

/// Rules about how much one thing may hold, as a function of the tree's texts. They read C++ by its braces, not with a
/// compiler: macros that open a brace they do not close would mislead them.
namespace holdfast::house {

struct Sizes {
  std::size_t members_max = 25;         ///< Data members of a class with behaviour.
  std::size_t methods_max = 40;         ///< Without constructors, destructors, operators and what is deleted.
  std::size_t function_lines_max = 60;  ///< From the opening brace to the closing one.
};

/// One class of the tree as the rules see it.
struct ClassSize {
  std::string file;
  std::string name;
  std::size_t members = 0;
  std::size_t methods = 0;
  /// A struct without private parts that computes little: settings, views, counters. It may have as many members as
  /// there are things to say, and at most four methods.
  bool is_record = false;
};
std::vector<ClassSize> classes_of(const std::string& file, std::string_view text);

/// "file: what has how many, more than so many".
std::vector<std::string> class_offences(const Tree& tree, const Sizes& sizes = {});
std::vector<std::string> function_offences(const Tree& tree, const Sizes& sizes = {});

}  // namespace holdfast::house
