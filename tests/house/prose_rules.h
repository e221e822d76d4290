#pragma once

#include <map>
#include <string>
#include <vector>

namespace holdfast::house {

/// The text that people read: README, CONTRIBUTING, CHANGELOG and the pages below docs/ and bench/, without generated
/// results. Both functions take path below the root -> text, ignore all other files, and return one sentence for each
/// line that breaks the rule.

/// No word of prose that was given up for a common one. Code, in `spans` and blocks, is free, and so are the targets of
/// links: keys, events and file names keep their words.
std::vector<std::string> prose_word_offences(const std::map<std::string, std::string>& tree);

/// Prose wraps at 100 columns. Code blocks, tables, headings and pictures are free.
std::vector<std::string> prose_width_offences(const std::map<std::string, std::string>& tree);

}  // namespace holdfast::house
