#pragma once

#include "base/log.h"

namespace holdfast::base {

/// Hears of every event line of Info and above, also of those that the log's level leaves out. Called on the thread
/// that logs: must be quick, must not log, and must not throw.
class LogWatch {
 public:
  LogWatch() = default;
  LogWatch(const LogWatch&) = delete;
  LogWatch& operator=(const LogWatch&) = delete;
  virtual ~LogWatch() = default;
  virtual void on_log(LogLevel level, std::string_view event, LogFields fields) = 0;
};

/// One for the process; nullptr: nobody. Must be set back, with no other thread logging, before it is destroyed.
void log_watch(LogWatch* watch);

}  // namespace holdfast::base
