// docs/admin.md shows each path of the API, as admin/openapi.json has them.

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace {

std::string read_file(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// "/a/{x}/b" finds "/a/shop/b", as in an example.
std::regex example_of(const std::string& path) {
  return std::regex(std::regex_replace(path, std::regex(R"(\{[^}]*\})"), R"([^/\s]+)") + R"((?![\w/]))");
}

}  // namespace

TEST_CASE("docs/admin.md has an example of every path") {
  const auto api = nlohmann::json::parse(read_file("admin/openapi.json"));
  const std::string docs = read_file("docs/admin.md");
  REQUIRE(api["paths"].size() > 10);
  for (const auto& operations : api["paths"].items()) {
    CAPTURE(operations.key());
    CHECK(std::regex_search(docs, example_of(operations.key())));
  }
}
