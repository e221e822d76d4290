#pragma once

#include <map>
#include <string>
#include <vector>

namespace holdfast::house {

/// No identifier of the code, and no name of a type in `code` of the docs, has a word that was given up for a common
/// one. Strings and comments are free: what users and other programs read (keys, JSON, Redis) keeps its words.
///
/// `tree`: path below the root -> text. One sentence for each name that breaks the rule.
std::vector<std::string> word_offences(const std::map<std::string, std::string>& tree);

}  // namespace holdfast::house
