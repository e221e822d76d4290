#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "net/descriptor.h"

namespace holdfast::server {

/// The variable that tells a process of ours that it is to take over, and by which descriptor the old one speaks.
inline constexpr const char* kUpgradeVariable = "HOLDFAST_UPGRADE";

/// Starts the program again as it was started: the same words, the same environment, from the same path, so that a file
/// replaced meanwhile is the one that runs. It inherits `channel` and our standard streams, nothing else.
///
/// It is no child of ours but of whoever is our parent, so that systemd learns at once how it ends.
/// Errors: Invalid: there is no such program, or we are process 1 and have no parent. Overload: no more processes.
base::Result<pid_t> launch(const std::vector<std::string>& words, const net::Descriptor& channel);

}  // namespace holdfast::server
