#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace holdfast::base {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Text, Json };

/// One `key=value` of an event line. Lives only for the call it is made in.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), text(v) {}
  LogField(std::string_view k, const char* v) : key(k), text(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), text(v) {}
  template <std::integral T>
  LogField(std::string_view k, T v) : key(k), number(static_cast<std::int64_t>(v)), is_number(true) {}

  std::string_view key;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;
};
using LogFields = std::initializer_list<LogField>;

/// Event lines to stderr: one event, one line, words of docs/ and interface fixed. Any thread; never throws.
/// `event` is a snake_case word; a text value with spaces, quotes, `=` or control characters is quoted and escaped.
void log_setup(LogLevel lowest, LogFormat format);
void log_line(LogLevel level, std::string_view event, LogFields fields);

namespace log {
inline void debug(std::string_view event, LogFields fields = {}) { log_line(LogLevel::Debug, event, fields); }
inline void info(std::string_view event, LogFields fields = {}) { log_line(LogLevel::Info, event, fields); }
inline void warn(std::string_view event, LogFields fields = {}) { log_line(LogLevel::Warn, event, fields); }
inline void error(std::string_view event, LogFields fields = {}) { log_line(LogLevel::Error, event, fields); }
}  // namespace log

/// The line without the newline, as log_line writes it. Pure, for tests and for the event timeline.
std::string log_text(std::string_view timestamp, LogLevel level, std::string_view event, LogFields fields,
                     LogFormat format);

/// Appends `text` as the inside of a JSON string; bytes that are not valid there are escaped, invalid UTF-8 replaced.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace holdfast::base
