#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/house/prose_rules.h"

using namespace holdfast::house;

namespace {

/// All pages, whatever folders there are.
std::map<std::string, std::string> all_pages() {
  std::map<std::string, std::string> pages;
  for (auto at = std::filesystem::recursive_directory_iterator("."); at != std::filesystem::end(at); ++at) {
    const std::string name = at->path().filename().string();
    if (at->is_directory() && (name == "build" || name == "node_modules" || name.starts_with('.'))) {
      at.disable_recursion_pending();
    }
    if (!at->is_regular_file() || at->path().extension() != ".md") continue;
    std::ifstream in(at->path(), std::ios::binary);
    pages.emplace(at->path().lexically_normal().generic_string(),
                  std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
  }
  return pages;
}

}  // namespace

TEST_CASE("the pages use none of the words that were given up, and wrap at 100 columns") {
  const auto pages = all_pages();
  for (const char* page : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/operations.md", "bench/README.md",
                           "docs/decisions/0006-generations.md"}) {
    CAPTURE(page);
    REQUIRE(pages.count(page) == 1);
  }
  for (const auto& offence : prose_word_offences(pages)) FAIL_CHECK(offence);
  for (const auto& offence : prose_width_offences(pages)) FAIL_CHECK(offence);
}

TEST_CASE("words that were given up are found in prose, and only there") {
  struct Row {
    const char* text;
    bool is_allowed;
  };
  for (const Row& row :
       {Row{"The answer is sent.", false}, Row{"It answered.", false}, Row{"Nodes fail.", false},
        Row{"a node's users", false}, Row{"Poisonous requests", false}, Row{"| a table | with a gate |", false},
        Row{"## What a heading tells of a node", false}, Row{"The file is read anew.", false},
        Row{"a user and his session", false}, Row{"[the node](backends.md)", false},
        // Code and links are free.
        Row{"The key `[cluster] node` is a name.", true}, Row{"`answers` and `[pools.NAME.poison]`", true},
        Row{"the event\n`cluster_node_left` of\n`a\nnode`", true}, Row{"```\nnode = \"lb1\"\n```\n", true},
        Row{"1. Do this:\n   ```\n   # a node\n   ```\n", true}, Row{"[it](docs/answer.md#node)", true},
        // Parts of other words, and words of other meanings.
        Row{"nodejs, the history, the heartbeat, besieged", true}, Row{"Responses come.", true},
        // What looks like the end of code.
        Row{"an open `span\n\nin a paragraph of its own: a node", false}, Row{"`code` and a node", false},
        Row{"```\ncode\n```\na node", false}, Row{"[it](target) and a node", false}}) {
    CAPTURE(row.text);
    CHECK(prose_word_offences({{"docs/a.md", row.text}}).empty() == row.is_allowed);
  }
  const auto found = prose_word_offences({{"docs/a.md", "one\n\ntwo nodes\n"}});
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "docs/a.md:3: \"nodes\" (write backend, or proxy)");
}

TEST_CASE("which files are pages") {
  for (const char* path :
       {"README.md", "CONTRIBUTING.md", "docs/a.md", "docs/decisions/0001-a.md", "bench/README.md"}) {
    CAPTURE(path);
    CHECK(prose_word_offences({{path, "a node"}}).size() == 1);
  }
  for (const char* path : {"bench/results/failover.md", "docs/a.txt", "base/text.h", "tests/fuzz/corpus/a.md"}) {
    CAPTURE(path);
    CHECK(prose_word_offences({{path, "a node"}}).empty());
  }
}

TEST_CASE("prose wraps at 100 columns; code, tables, headings and pictures do not") {
  const std::string wide(101, 'x');
  CHECK(prose_width_offences({{"docs/a.md", std::string(100, 'x')}}).empty());
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  CHECK(prose_width_offences({{"docs/a.md", umlauts}}).empty());
  for (const char* start : {"", "- ", "  ", "> "}) {
    CAPTURE(start);
    CHECK(prose_width_offences({{"docs/a.md", start + wide}}).size() == 1);
  }
  for (const std::string& text :
       {"| " + wide + " |", "## " + wide, "![" + wide + "](a.png)", "```\n" + wide + "\n```\n"}) {
    CAPTURE(text);
    CHECK(prose_width_offences({{"docs/a.md", text}}).empty());
  }
  CHECK(prose_width_offences({{"docs/a.md", "one\n" + wide}})[0] == "docs/a.md:2: 101 columns; prose wraps at 100");
}
