#pragma once

#include <string>
#include <vector>

#include "ctl/drain.h"
#include "ctl/status.h"

namespace holdfast::ctl {

/// What a run of holdfastctl came to.
struct CtlOutcome {
  int exit_code = 0;  ///< 0 done, 1 failed or not so, 2 usage.
  std::string out;    ///< For stdout, behind what was said.
  std::string err;    ///< For stderr.
};

/// Holdfastctl without its process: `arguments` are those behind the program's name. Blocks for at most the timeout, or
/// as long as what is waited for takes. `print_line` gets what is for stdout meanwhile; without one it is in the
/// outcome. Reads HOLDFAST_ADMIN.
CtlOutcome run_ctl(std::vector<std::string> arguments, Colours colours, const PrintLine& print_line = {});

}  // namespace holdfast::ctl
