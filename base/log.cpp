#include "base/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "base/log_watch.h"
#include "base/text.h"

namespace holdfast::base {

namespace {

std::atomic<LogLevel> g_lowest{LogLevel::Info};
std::atomic<LogFormat> g_format{LogFormat::Text};
std::atomic<LogWatch*> g_watch{nullptr};

constexpr std::size_t kLineMax = 4096;  // PIPE_BUF: a pipe with room takes so much whole, without blocking

/// Standard error, without ever waiting for who reads it: a stuck pipe must not stop health checks. Lines there is no
/// room for are dropped and counted; the next one that goes out says how many.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!has_room()) {
      ++dropped_;
      return;
    }
    std::string line(message.payload.data(), message.payload.size());
    if (line.size() > kLineMax - kDroppedNote) line.replace(kLineMax - kDroppedNote - 3, std::string::npos, "...");
    line += '\n';
    if (dropped_ != 0) line = fmt::format("({} lines of this log were dropped)\n", std::exchange(dropped_, 0)) + line;
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) ++dropped_;
  }
  void flush_() override {}

  static bool has_room() {
    pollfd wanted{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT) != 0;
  }

  static constexpr std::size_t kDroppedNote = 80;
  std::uint64_t dropped_ = 0;
};

// spdlog gives the lock; the text of a line is ours, because scripts read it.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("holdfast", std::make_shared<StderrSink>());
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

constexpr std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  return "info";
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

// Length of a well-formed UTF-8 sequence at the start of text (RFC 3629), 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xC2 && first < 0xE0 ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text[0];
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else if (taken = utf8_length(text); taken != 0) {
      out += text.substr(0, taken);
    } else {
      out += "\\ufffd";
      taken = 1;
    }
    text.remove_prefix(taken);
  }
}

std::string log_text(std::string_view timestamp, LogLevel level, std::string_view event, LogFields fields,
                     LogFormat format) {
  std::string out;
  const bool json = format == LogFormat::Json;
  if (json) {
    out = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", timestamp, name_of(level), event);
  } else {
    out = fmt::format("{} {} {}", timestamp, name_of(level), event);
  }
  for (const LogField& field : fields) {
    out += json ? ",\"" : " ";
    out += field.key;
    out += json ? "\":" : "=";
    if (field.is_number) {
      fmt::format_to(std::back_inserter(out), "{}", field.number);
    } else if (!json && is_plain(field.text)) {
      out += field.text;
    } else {
      out += '"';
      append_json_escaped(out, field.text);
      out += '"';
    }
  }
  if (json) out += '}';
  return out;
}

void log_setup(LogLevel lowest, LogFormat format) {
  g_lowest = lowest;
  g_format = format;
}

void log_watch(LogWatch* watch) { g_watch.store(watch, std::memory_order_release); }

void log_line(LogLevel level, std::string_view event, LogFields fields) {
  LogWatch* const watch = g_watch.load(std::memory_order_acquire);
  if (watch != nullptr && level >= LogLevel::Info) watch->on_log(level, event, fields);
  if (level < g_lowest.load(std::memory_order_relaxed)) return;
  const std::string line = log_text(timestamp_text(wall_now()), level, event, fields, g_format);
  logger().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace holdfast::base
