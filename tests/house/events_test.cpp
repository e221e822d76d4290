// docs/operations.md explains each event line that the program writes.

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

#include "tests/house/house_rules.h"

using namespace holdfast::house;

namespace {

bool is_word(std::string_view text) {
  return text.size() > 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// All "words" in a stretch of code.
void take_words(std::string_view code, std::set<std::string>& into) {
  for (std::size_t open = code.find('"'); open != std::string_view::npos;) {
    const std::size_t close = code.find('"', open + 1);
    if (close == std::string_view::npos) return;
    const std::string_view word = code.substr(open + 1, close - open - 1);
    if (is_word(word)) into.emplace(word);
    open = code.find('"', close + 1);
  }
}

/// What is said through base::log at Info and above, up to its fields; and the names of health's events.
std::set<std::string> events_of(const Tree& tree) {
  std::set<std::string> events;
  for (const auto& [path, text] : tree) {
    if (path.starts_with("tests/") || path.starts_with("bench/")) continue;
    for (const char* call : {"log::info(", "log::warn(", "log::error("}) {
      for (std::size_t at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
        const std::size_t end = std::min(text.find(',', at), text.find(';', at));
        take_words(std::string_view(text).substr(at, end - at), events);
      }
    }
  }
  std::set<std::string> named;
  take_words(tree.at("health/report.h"), named);
  for (const std::string& name : named) {
    if (name.starts_with("backend_") || name.starts_with("pool_")) events.insert(name);
  }
  return events;
}

std::string contents(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("docs/operations.md has every event") {
  const auto events = events_of(read_tree("."));
  CHECK(events.count("redis_down") == 1);
  CHECK(events.count("backend_ejected") == 1);
  REQUIRE(events.size() > 40);
  const std::string docs = contents("docs/operations.md");
  const std::string table = docs.substr(std::min(docs.find("## What each event line means"), docs.size()));
  for (const std::string& event : events) {
    CAPTURE(event);
    CHECK(table.find("`" + event + "`") != std::string::npos);
  }
}
