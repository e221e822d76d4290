#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/house/word_rules.h"

using holdfast::house::word_offences;

namespace {

/// All sources and pages of the docs, whatever folders there are.
std::map<std::string, std::string> whole_tree() {
  std::map<std::string, std::string> tree;
  for (auto at = std::filesystem::recursive_directory_iterator("."); at != std::filesystem::end(at); ++at) {
    const std::string name = at->path().filename().string();
    if (at->is_directory() && (name == "build" || name == "node_modules" || name.starts_with('.'))) {
      at.disable_recursion_pending();
    }
    const std::string kind = at->path().extension().string();
    if (!at->is_regular_file() || (kind != ".cpp" && kind != ".h" && kind != ".md")) continue;
    std::ifstream in(at->path(), std::ios::binary);
    tree.emplace(at->path().lexically_normal().generic_string(),
                 std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
  }
  return tree;
}

}  // namespace

TEST_CASE("names in this tree have none of the words that were given up") {
  const auto tree = whole_tree();
  REQUIRE(tree.count("base/text.h") == 1);
  REQUIRE(tree.count("docs/configuration.md") == 1);
  for (const auto& offence : word_offences(tree)) FAIL_CHECK(offence);
}

TEST_CASE("words that were given up are found in names, and only there") {
  struct Row {
    const char* text;
    bool is_allowed;
  };
  for (const Row& row :
       {Row{"int answer_count;", false}, Row{"class TextAnswer;", false}, Row{"int n = kAnswer;", false},
        Row{"Held held;", false}, Row{"bool is_held;", true}, Row{"int answered;", true}, Row{"// the answer\n", true},
        Row{"/* an answer */", true}, Row{"f(\"answer\");", true}, Row{"f(R\"x(answer \")\" answer)x\");", true},
        Row{"f('\"'); int answer;", false}, Row{"int n = 1'000; char c = '\\''; int answer;", false},
        Row{"int n = 1'0; f(answer);", false}}) {
    CAPTURE(row.text);
    CHECK(word_offences({{"base/a.cpp", row.text}}).empty() == row.is_allowed);
  }
  CHECK(
      word_offences({{"docs/a.md", "an answer, a Desk, `holdfast_answers_cut_total`, `[pools.NAME.poison]`"}}).empty());
  CHECK(word_offences({{"docs/a.md", "`proxy::PoisonBook`"}}).size() == 1);
}
