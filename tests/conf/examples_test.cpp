#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "conf/keys.h"
#include "conf/reader.h"

using namespace holdfast::conf;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Settings good(const std::string& name, const std::string& toml) {
  auto result = read_settings(toml);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&result)) FAIL(mistakes_text(name, *mistakes));
  return std::get<Settings>(std::move(result));
}

}  // namespace

TEST_CASE("every example is read without a mistake, and dumped as it is") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("conf/examples")) {
    const std::string name = entry.path().filename();
    const Settings settings = good(name, contents(entry.path()));
    INFO(name);
    CHECK(good(name, dump_settings(settings)) == settings);
    ++count;
  }
  CHECK(count >= 6);
}

TEST_CASE("the full example has every key") {
  const std::string toml = contents("conf/examples/full.toml");
  for (const std::string& path : known_keys()) {
    const std::string key = path.substr(path.rfind('.') + 1);
    INFO(path);
    const bool is_there =
        toml.find("\n" + key + " = ") != std::string::npos || toml.find(" " + key + " = ") != std::string::npos;
    CHECK(is_there);
  }
}
