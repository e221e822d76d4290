#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "conf/reader.h"

// Whatever the bytes: a response, and for a good file a dump that is read back as what it was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  const auto result = conf::read_settings({reinterpret_cast<const char*>(data), size});
  if (const auto* diagnostics = std::get_if<std::vector<conf::Diagnostic>>(&result)) {
    base::check(!diagnostics->empty(), "a refused file has an error");
    for (const conf::Diagnostic& diagnostic : *diagnostics) {
      base::check(diagnostic.line >= 1 && diagnostic.column >= 1 && !diagnostic.what.empty(),
                  "an error has its place and text");
    }
    return 0;
  }
  // Secrets are gone after the first dump, so the dumps are compared, not the settings.
  const std::string dumped = conf::dump_settings(std::get<conf::Settings>(result));
  const auto again = conf::read_settings(dumped);
  base::check(std::holds_alternative<conf::Settings>(again), "a dump is a good file");
  base::check(conf::dump_settings(std::get<conf::Settings>(again)) == dumped, "a dump is dumped as itself");
  return 0;
}
