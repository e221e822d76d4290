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
  if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result))
    FAIL(diagnostics_text(name, *diagnostics));
  return std::get<Settings>(std::move(result));
}

}  // namespace

TEST_CASE("every example is read without an error, and dumped as it is") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("conf/examples")) {
    const std::string name = entry.path().filename();
    Settings settings = good(name, contents(entry.path()));
    settings.admin.users.clear();  // a dump does not say what a hash is
    settings.admin.tokens.clear();
    INFO(name);
    const std::string dumped = dump_settings(settings);
    if (dumped.find("[redacted]") != std::string::npos) {
      CHECK(dump_settings(good(name, dumped)) == dumped);
    } else {
      CHECK(good(name, dumped) == settings);
    }
    ++count;
  }
  CHECK(count >= 6);
}

TEST_CASE("there is an example for each preset, and the preset is what it uses") {
  struct Row {
    const char* file;
    Preset preset;
    const char* cookie;
    const char* probe_path;
    ProbeType probe = ProbeType::Http;
  };
  const Row rows[] = {{"mendix", Preset::Mendix, "XASSESSIONID", "/", ProbeType::M2ee},
                      {"mfiles", Preset::Mfiles, "mfilesmsm", "/REST/server/status"},
                      {"java", Preset::Java, "JSESSIONID", "/actuator/health"},
                      {"php", Preset::Php, "PHPSESSID", "/health.php"},
                      {"express", Preset::Express, "connect.sid", "/healthz"},
                      {"aspnet", Preset::Aspnet, ".AspNetCore.Session", "/healthz"}};
  for (const Row& row : rows) {
    INFO(row.file);
    const std::string path = "conf/examples/" + std::string(row.file) + ".toml";
    const Settings settings = good(path, contents(path));
    const Pool& pool = settings.pools[0];
    CHECK(pool.preset == row.preset);
    CHECK(std::count(pool.sticky.names.begin(), pool.sticky.names.end(), row.cookie) == 1);
    CHECK(pool.probe.type == row.probe);
    CHECK(pool.probe.path == row.probe_path);
    CHECK(dump_settings(settings).find(row.cookie) != std::string::npos);
  }
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
