#include "tests/support/facts.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::support {
namespace {

struct Notes {
  std::mutex mutex;
  std::vector<std::string> lines;
  ~Notes() {
    for (const auto& line : lines) std::printf("%s\n", line.c_str());
  }
};

void keep(std::string line) {
  static Notes notes;
  const std::lock_guard lock(notes.mutex);
  if (const char* file = std::getenv("HOLDFAST_TEST_NOTES")) std::ofstream(file, std::ios::app) << line << '\n';
  notes.lines.push_back(std::move(line));
}

}  // namespace

bool wants_full_size() {
  const char* value = std::getenv("HOLDFAST_FULL");
  return value != nullptr && std::string_view(value) == "1";
}

void note(std::string_view text) { keep("measured: " + std::string(text)); }

void note_left_to_release(std::string_view what, std::string_view why) {
  keep("left to the release build: " + std::string(what) + " (" + std::string(why) + ")");
}

void note_not_run(std::string_view what, std::string_view why) {
  keep("NOT RUN HERE: " + std::string(what) + " (" + std::string(why) + ")");
}

}  // namespace holdfast::support
