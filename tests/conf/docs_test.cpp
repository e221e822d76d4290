#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "conf/keys.h"
#include "conf/reader.h"

using namespace holdfast::conf;

namespace {

struct DocumentedKey {
  std::string type;
  std::string initial;
};

/// A table row's cells, without white space around them and backquotes.
std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  for (std::size_t at = 1; at < row.size();) {
    const std::size_t end = std::min(row.find('|', at), row.size());
    std::string cell;
    for (const char c : holdfast::base::trim(std::string_view(row).substr(at, end - at))) {
      if (c != '`') cell += c;
    }
    cells.push_back(cell);
    at = end + 1;
  }
  return cells;
}

/// The rows "| `key` | type | default | meaning |" under a heading "## `table`".
std::map<std::string, DocumentedKey> documented() {
  std::map<std::string, DocumentedKey> keys;
  std::ifstream file("docs/configuration.md");
  std::string table;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) {
      const std::size_t open = line.find('`');
      table = open == std::string::npos ? "" : line.substr(open + 1, line.rfind('`') - open - 1);
    }
    if (!line.starts_with("| `") || table.empty()) continue;
    const auto cells = cells_of(line);
    REQUIRE_MESSAGE(cells.size() == 4, line);
    CHECK_MESSAGE(!cells[3].empty(), line);
    const bool is_new = keys.emplace(table + "." + cells[0], DocumentedKey{cells[1], cells[2]}).second;
    CHECK_MESSAGE(is_new, line);
  }
  return keys;
}

std::string contents(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string whole_document() { return contents("docs/configuration.md"); }

}  // namespace

TEST_CASE("docs/configuration.md has every key with its type and default, and no other") {
  auto docs = documented();
  for (const KnownKey& key : key_list()) {
    if (key.later) continue;
    INFO(key.path);
    const auto found = docs.find(key.path);
    CHECK_MESSAGE(found != docs.end(), "not documented: type " << key.type << ", default " << key.initial);
    if (found == docs.end()) continue;
    CHECK(found->second.type == key.type);
    CHECK(found->second.initial == key.initial);
    docs.erase(found);
  }
  for (const auto& row : docs) {
    INFO(row.first);
    FAIL_CHECK("documented, but there is no such key");
  }
}

TEST_CASE("docs/configuration.md says what is not yet supported") {
  const std::string text = whole_document();
  const std::string section = text.substr(std::min(text.find("## Not yet supported"), text.size()));
  for (const KnownKey& key : key_list()) {
    if (!key.later) continue;
    INFO(key.path);
    CHECK(section.find("`" + key.path + "`") != std::string::npos);
  }
}

TEST_CASE("the examples in the documents are good files") {
  const std::string text =
      whole_document() + contents("docs/migrate.md") + contents("docs/session-caps.md") + contents("docs/guards.md");
  std::size_t count = 0;
  for (std::size_t at = text.find("```toml\n"); at != std::string::npos; at = text.find("```toml\n", at + 1)) {
    const std::string toml = text.substr(at + 8, text.find("\n```", at + 8) + 1 - (at + 8));
    const auto result = read_settings(toml);
    if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result)) {
      FAIL_CHECK(diagnostics_text("example", *diagnostics) << toml);
    }
    ++count;
  }
  CHECK(count >= 5);
}
