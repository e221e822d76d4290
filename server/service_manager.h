#pragma once

#include <sys/types.h>

#include <optional>

#include "base/time.h"

/// What systemd is told about us (sd_notify(3), Type=notify). Where it has not started us, nothing happens. No state
/// but the environment's NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
namespace holdfast::server::service_manager {

void notify_ready();
/// The configuration is being read anew; notify_ready() comes after it, however it ends.
void notify_reloading();
void notify_stopping();
/// Another process is the one to watch from now on.
void notify_main_process(pid_t pid);
/// To be said at least once in each watchdog().
void notify_alive();

/// How long we may be silent before we are taken for hung; nullopt: for ever.
std::optional<base::Duration> watchdog();

}  // namespace holdfast::server::service_manager
