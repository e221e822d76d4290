#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace holdfast::base {

// Of base/log.h, which is built on this: whoever listens includes both.
enum class LogLevel : std::uint8_t;
struct LogField;

/// Receives every event line of Info and above, also of those that the log's level leaves out. Called on the thread
/// that logs: must be quick, must not log, and must not throw.
class LogWatch {
 public:
  LogWatch() = default;
  LogWatch(const LogWatch&) = delete;
  LogWatch& operator=(const LogWatch&) = delete;
  virtual ~LogWatch() = default;
  virtual void on_log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) = 0;
};

/// One for the process; nullptr: nobody. Must be set back, with no other thread logging, before it is destroyed.
void log_watch(LogWatch* watch);

}  // namespace holdfast::base
