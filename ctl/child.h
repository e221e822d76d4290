#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace holdfast::ctl {

/// Runs `command` by /bin/sh, with our input and output and these variables added, and calls `meanwhile` a few times
/// a second until it ends. Returns its exit code, 128 + N when signal N ended it. Errors: Io: it could not be run.
base::Result<int> run_child(const std::string& command,
                            const std::vector<std::pair<std::string, std::string>>& variables,
                            const std::function<void()>& meanwhile);

}  // namespace holdfast::ctl
