#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "conf/settings.h"
#include "net/tls_context.h"

/// What the configuration names and the process needs to hold: read once, at the start or for a check. Blocks on the
/// disk.
namespace holdfast::server {

inline constexpr std::size_t kMaintenancePageBytesMax = 256u << 10;

/// Gives each m2ee probe without a password the one of its password_file (one line end at its end does not count), or
/// else `environment_value` (HOLDFAST_M2EE_PASSWORD; nullptr: not set). Errors name the file, or the pool that is left
/// without.
base::Result<void> take_probe_passwords(conf::Settings& settings, const char* environment_value);

/// The maintenance pages by PoolId; empty: none of its own. Errors name the file.
base::Result<std::vector<std::string>> load_maintenance_pages(const conf::Settings& settings);

/// What the admin listener speaks; nullptr: plain HTTP. Errors name the file.
base::Result<std::shared_ptr<const net::TlsContext>> load_admin_tls(const conf::Settings& settings);

}  // namespace holdfast::server
