#include "proxy/access_line.h"

#include <algorithm>
#include <array>

#include "proxy/head_text.h"

namespace holdfast::proxy {

namespace {

constexpr std::size_t kLoggedMethodMax = 32;
constexpr std::string_view kCut = "...";

// Digits of `number`, padded with zeros to `width`.
void append_padded(std::string& out, unsigned number, std::size_t width) {
  std::array<char, 10> digits;
  for (std::size_t i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
  out.append(digits.data(), width);
}

// RFC 3339 in UTC with milliseconds, as base::timestamp_text, without a string of its own.
void append_timestamp(std::string& out, base::WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto ms = static_cast<unsigned>((time - day).count());
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, ms / 3'600'000, 2);
  out += ':';
  append_padded(out, ms / 60'000 % 60, 2);
  out += ':';
  append_padded(out, ms / 1'000 % 60, 2);
  out += '.';
  append_padded(out, ms % 1'000, 3);
  out += 'Z';
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x21; c < 0x7f; ++c) table[c] = c != '"' && c != '\\' && c != '=';
  return table;
}();

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

// "key=value" columns or a JSON object, in the order they are called.
class Columns {
 public:
  Columns(std::string& out, base::LogFormat format) : out_(out), is_json_(format == base::LogFormat::Json) {}

  void begin(base::WallTime time) {
    out_.append(is_json_ ? R"({"time":")" : "");
    append_timestamp(out_, time);
    out_.append(is_json_ ? R"(","event":"access")" : " access");
  }
  void end() { out_.append(is_json_ ? "}\n" : "\n"); }

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return nothing(key);
    name(key);
    quoted(value, {});
  }
  void path(std::string_view key, std::string_view path);
  void number(std::string_view key, std::uint64_t value) {
    name(key);
    append_decimal(out_, value);
  }
  void milliseconds(std::string_view key, std::optional<base::Duration> time) {
    if (!time) return nothing(key);
    name(key);
    const auto us = static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(*time).count(), 0));
    append_decimal(out_, us / 1'000);
    out_ += '.';
    append_padded(out_, static_cast<unsigned>(us % 1'000), 3);
  }

 private:
  void name(std::string_view key) { out_.append(is_json_ ? ",\"" : " ").append(key).append(is_json_ ? "\":" : "="); }
  void nothing(std::string_view key) {
    name(key);
    out_.append(is_json_ ? "null" : "-");
  }
  void quoted(std::string_view value, std::string_view after) {
    // "-" means nothing, so a value that is just that is quoted.
    const bool plain = is_plain(value);
    const bool quotes = is_json_ || !plain || value == "-";
    if (quotes) out_ += '"';
    if (plain) {
      out_.append(value);
    } else {
      base::append_json_escaped(out_, value);
    }
    out_.append(after);
    if (quotes) out_ += '"';
  }

  std::string& out_;
  bool is_json_;
};

void Columns::path(std::string_view key, std::string_view path) {
  if (path.empty()) return nothing(key);
  name(key);
  const std::string_view after = path.size() > kLoggedPathMax ? kCut : std::string_view{};
  path = path.substr(0, kLoggedPathMax);
  if (path.find(';') == std::string_view::npos) return quoted(path, after);
  std::array<char, 2 * kLoggedPathMax> kept;  // ";" alone becomes ";~"
  std::size_t size = 0;
  bool in_parameter = false;
  for (const char c : path) {
    if (c == '/') in_parameter = false;
    if (in_parameter) continue;
    kept[size++] = c;
    if (c == ';') {
      kept[size++] = '~';
      in_parameter = true;
    }
  }
  quoted({kept.data(), size}, after);
}

}  // namespace

void append_access_line(std::string& out, const AccessRecord& record, base::LogFormat format) {
  Columns columns(out, format);
  columns.begin(record.time);
  columns.text("client", record.client);
  columns.text("method", record.method.substr(0, kLoggedMethodMax));
  columns.path("path", record.path);
  columns.number("status", record.status);
  columns.number("bytes", record.bytes);
  columns.text("pool", record.pool);
  columns.text("backend", record.backend);
  columns.number("attempts", record.attempts);
  columns.milliseconds("queue_ms", record.queue);
  columns.milliseconds("connect_ms", record.connect);
  columns.milliseconds("first_byte_ms", record.first_byte);
  columns.milliseconds("total_ms", record.total);
  columns.text("sticky", name_of(record.stickiness));
  columns.text("request_id", record.request_id);
  columns.end();
}

}  // namespace holdfast::proxy
