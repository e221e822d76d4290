#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/command.h"

int main(int argc, char** argv) {
  using namespace holdfast::ctl;
  const bool wants_colours = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  try {
    const CtlOutcome outcome = run_ctl(std::vector<std::string>(argv + 1, argv + argc),
                                       wants_colours ? Colours::On : Colours::Off, [](std::string_view line) {
                                         std::fwrite(line.data(), 1, line.size(), stdout);
                                         std::fflush(stdout);
                                       });
    std::fputs(outcome.err.c_str(), stderr);
    const bool written = std::fputs(outcome.out.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return written ? outcome.exit_code : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "holdfastctl: %s\n", error.what());
    return 1;
  }
}
