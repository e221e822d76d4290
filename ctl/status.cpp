#include "ctl/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/json.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using base::Error;
using base::ErrorCode;

constexpr std::array<std::string_view, 8> kTitles = {"POOL/BACKEND", "STATE",    "SINCE", "SESSIONS",
                                                     "IN FLIGHT",    "REQUESTS", "MOVED", "REASON"};
constexpr std::size_t kStateColumn = 1;
constexpr std::size_t kFirstNumber = 3;
constexpr std::size_t kLastNumber = 6;
using Row = std::array<std::string, kTitles.size()>;

// What other programs say is shown, never obeyed: escape sequences become question marks.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? printable(it->get<std::string>()) : std::string{};
}

std::string number_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? std::to_string(it->get<std::uint64_t>()) : "-";
}

// UTF-8 characters, near enough to columns for names.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

constexpr std::string_view colour_of(std::string_view word) {
  if (word == "UP" || word == "good") return "\x1b[32m";
  if (word == "DOWN" || word == "bad") return "\x1b[31;1m";
  return "\x1b[33m";
}

std::string coloured(std::string text, std::string_view word, Colours colours) {
  if (colours == Colours::Off) return text;
  return fmt::format("{}{}\x1b[0m", colour_of(word), text);
}

Row row_of(const std::string& pool, const std::string& name, const Json& backend) {
  std::string reason = text_of(backend, "reason");
  if (const std::string detail = text_of(backend, "detail"); !detail.empty()) {
    reason += (reason.empty() ? "" : ": ") + detail;
  }
  return {printable(pool) + "/" + printable(name),
          text_of(backend, "state"),
          text_of(backend, "since"),
          number_of(backend, "sessions"),
          number_of(backend, "requests_in_flight"),
          number_of(backend, "requests_total"),
          number_of(backend, "moved_away_total"),
          std::move(reason)};
}

base::Result<std::vector<Row>> rows_of(const Json& status) {
  const Error bad{ErrorCode::Malformed, "the response is JSON, but not the status of holdfast"};
  const auto pools = status.find("pools");
  if (!status.is_object() || pools == status.end() || !pools->is_object()) return bad;
  std::vector<Row> rows;
  for (const auto& [pool_name, pool] : pools->items()) {
    const auto backends = pool.find("backends");
    if (!pool.is_object() || backends == pool.end() || !backends->is_object()) return bad;
    for (const auto& [name, backend] : backends->items()) {
      if (!backend.is_object()) return bad;
      rows.push_back(row_of(pool_name, name, backend));
    }
  }
  return rows;
}

void append_row(std::string& out, const Row& row, const Row& titles,
                const std::array<std::size_t, kTitles.size()>& width, Colours colours) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string padding(width[i] - width_of(row[i]), ' ');
    const bool is_number = i >= kFirstNumber && i <= kLastNumber;
    const bool is_state = i == kStateColumn && &row != &titles;
    if (i > 0) out += "  ";
    if (is_number) out += padding;
    out += is_state ? coloured(row[i], row[i], colours) : row[i];
    if (!is_number) out += padding;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
}

std::string table_of(const std::vector<Row>& rows, Colours colours) {
  Row titles;
  std::copy(kTitles.begin(), kTitles.end(), titles.begin());
  std::array<std::size_t, kTitles.size()> width{};
  for (std::size_t i = 0; i < width.size(); ++i) {
    width[i] = titles[i].size();
    for (const Row& row : rows) width[i] = std::max(width[i], width_of(row[i]));
  }
  std::string out;
  append_row(out, titles, titles, width, colours);
  for (const Row& row : rows) append_row(out, row, titles, width, colours);
  return out;
}

base::Result<Json> parse(std::string_view json) {
  Json parsed = base::parse_json(json);
  if (parsed.is_discarded()) return Error{ErrorCode::Malformed, "the response is not JSON"};
  return parsed;
}

}  // namespace

base::Result<std::string> status_table(std::string_view json, Colours colours) {
  const auto status = parse(json);
  if (!status) return status.error();
  const auto rows = rows_of(*status);
  if (!rows) return rows.error();
  std::string out = coloured(text_of(*status, "summary"), text_of(*status, "mood"), colours);
  out += fmt::format("\nproxy {}, version {}, as of {}\n\n", text_of(*status, "node"), text_of(*status, "version"),
                     text_of(*status, "time"));
  return out + table_of(*rows, colours);
}

base::Result<std::string> pretty_json(std::string_view json) {
  const auto parsed = parse(json);
  if (!parsed) return parsed.error();
  return base::json_text(*parsed, 2) + "\n";
}

}  // namespace holdfast::ctl
