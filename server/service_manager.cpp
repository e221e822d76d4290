#include "server/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <string>

namespace holdfast::server::service_manager {

namespace {

/// Nobody is there to be told of a failure.
void notify(const std::string& words) { sd_notify(0, words.c_str()); }

}  // namespace

void notify_ready() { notify("READY=1"); }

void notify_reloading() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void notify_stopping() { notify("STOPPING=1"); }
void notify_main_process(pid_t pid) { notify(fmt::format("MAINPID={}", pid)); }
void notify_alive() { notify("WATCHDOG=1"); }

std::optional<base::Duration> watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds == 0) return std::nullopt;
  return std::chrono::microseconds{microseconds};
}

}  // namespace holdfast::server::service_manager
