#include "tests/support/wire.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace holdfast::support {
namespace {

constexpr std::size_t kLineMax = 1u << 20;
constexpr std::size_t kKept = 64u << 10;

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view name_of(End end) {
  switch (end) {
    case End::Whole:
      return "whole";
    case End::Truncated:
      return "truncated";
    case End::Reset:
      return "reset";
    case End::Timeout:
      return "timeout";
    case End::Malformed:
      return "malformed";
    case End::Nothing:
      return "nothing";
  }
  return "?";
}

std::optional<std::string> WireHead::field(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& field : fields) {
    if (!base::iequals(field.name, name)) continue;
    found = found ? *found + " || " + field.value : field.value;
  }
  return found;
}

std::size_t WireHead::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const WireField& field) { return base::iequals(field.name, name); }));
}

std::optional<WireField> parse_field_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return std::nullopt;
  return WireField{std::string(line.substr(0, colon)), std::string(base::trim(line.substr(colon + 1)))};
}

End Wire::fill(Deadline deadline) {
  std::array<char, 65536> chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
  const Got got = receive_some(socket_, chunk, deadline);
  if (got.io == Io::Ok) {
    rest_.append(chunk.data(), got.bytes);
    received_.append(chunk.data(), std::min(got.bytes, kKept - std::min(kKept, received_.size())));
    return End::Whole;
  }
  if (got.io == Io::Closed) return End::Truncated;
  return got.io == Io::Timeout ? End::Timeout : End::Reset;
}

End Wire::read_line(std::string& line, Deadline deadline) {
  std::size_t searched = 0;
  while (true) {
    const auto end = rest_.find('\n', searched);
    if (end != std::string::npos) {
      if (end == 0 || rest_[end - 1] != '\r') return End::Malformed;
      line.assign(rest_, 0, end - 1);
      rest_.erase(0, end + 1);
      return line.find('\r') == std::string::npos ? End::Whole : End::Malformed;
    }
    searched = rest_.size();
    if (searched > kLineMax) return End::Malformed;
    if (const End filled = fill(deadline); filled != End::Whole) return filled;
  }
}

End Wire::read_field_lines(std::vector<WireField>& fields, std::string& raw, Deadline deadline) {
  std::string line;
  while (true) {
    if (const End got = read_line(line, deadline); got != End::Whole) return got;
    raw.append(line).append("\r\n");
    if (line.empty()) return End::Whole;
    auto field = parse_field_line(line);
    if (!field) return End::Malformed;
    fields.push_back(std::move(*field));
  }
}

End Wire::read_head(WireHead& head, Deadline deadline) {
  head = {};
  if (rest_.empty()) {
    const End filled = fill(deadline);
    if (filled == End::Truncated) return End::Nothing;
    if (filled != End::Whole) return filled;
  }
  if (const End got = read_line(head.first_line, deadline); got != End::Whole) return got;
  head.raw = head.first_line + "\r\n";
  return read_field_lines(head.fields, head.raw, deadline);
}

End Wire::read_length(std::uint64_t length, const Sink& sink, Deadline deadline) {
  while (length > 0) {
    if (rest_.empty()) {
      if (const End filled = fill(deadline); filled != End::Whole) return filled;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(length, rest_.size()));
    sink(std::string_view(rest_).substr(0, part));
    rest_.erase(0, part);
    length -= part;
  }
  return End::Whole;
}

End Wire::read_chunked(const Sink& sink, std::vector<WireField>& trailers, Deadline deadline) {
  std::string line;
  while (true) {
    if (const End got = read_line(line, deadline); got != End::Whole) return got;
    const auto size = parse_hex(line.substr(0, line.find(';')));
    if (!size) return End::Malformed;
    if (*size == 0) break;
    if (const End got = read_length(*size, sink, deadline); got != End::Whole) return got;
    if (const End got = read_line(line, deadline); got != End::Whole) return got;
    if (!line.empty()) return End::Malformed;
  }
  std::string raw;
  return read_field_lines(trailers, raw, deadline);
}

End Wire::read_until_close(const Sink& sink, Deadline deadline) {
  while (true) {
    if (!rest_.empty()) sink(std::exchange(rest_, {}));
    const End filled = fill(deadline);
    if (filled == End::Truncated) return End::Whole;
    if (filled != End::Whole) return filled;
  }
}

}  // namespace holdfast::support
