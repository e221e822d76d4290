#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/proxy.h"

namespace holdfast::support {

/// The one that was built beside the proxy.
inline std::string holdfastctl_binary() {
  return (std::filesystem::path(holdfast_binary()).parent_path() / "holdfastctl").string();
}

/// With as much patience as the test has: a proxy under a sanitizer on a busy machine answers late.
inline Process::Options ctl_options(const Proxy& proxy, std::vector<std::string> arguments) {
  if (std::find(arguments.begin(), arguments.end(), "--timeout") == arguments.end()) {
    arguments.insert(arguments.begin(), {"--timeout", std::to_string(kPatience.count()) + "s"});
  }
  arguments.insert(arguments.begin(), holdfastctl_binary());
  return {.arguments = std::move(arguments),
          .environment = {"HOLDFAST_ADMIN=http://127.0.0.1:" + std::to_string(proxy.admin_port())}};
}

/// Runs holdfastctl for that proxy to its end.
inline Finished ctl(const Proxy& proxy, std::vector<std::string> arguments, Deadline deadline = Deadline{}) {
  return run_to_end(ctl_options(proxy, std::move(arguments)), deadline);
}

/// The same, while the test goes on.
inline std::unique_ptr<Process> start_ctl(const Proxy& proxy, std::vector<std::string> arguments) {
  return std::make_unique<Process>(ctl_options(proxy, std::move(arguments)));
}

}  // namespace holdfast::support
