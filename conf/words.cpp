#include "conf/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "conf/diagnostics.h"

namespace holdfast::conf {

namespace {

base::Error wrong(std::string what) { return {base::ErrorCode::Invalid, std::move(what)}; }

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (base::lower(c) >= 'a' && base::lower(c) <= 'z') ||
         kMarks.find(c) != std::string_view::npos;
}
bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

/// Says which byte of `text` fails `good`; nullopt when none does.
template <class Good>
std::optional<base::Error> bad_byte(std::string_view text, Good good, std::string_view where) {
  const auto bad = std::find_if_not(text.begin(), text.end(), good);
  if (bad == text.end()) return std::nullopt;
  const auto byte = static_cast<unsigned char>(*bad);
  if (byte == ' ') return wrong(fmt::format("a space is not allowed in {}", where));
  if (byte < 0x20 || byte == 0x7f) return wrong(fmt::format("a control character is not allowed in {}", where));
  if (byte >= 0x80) return wrong(fmt::format("only ASCII is allowed in {}", where));
  return wrong(fmt::format("`{}` is not allowed in {}", *bad, where));
}

bool has_dot_segment(std::string_view path) {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "." || segment == "..") return true;
    at = end + 1;
  }
  return false;
}

std::optional<base::Error> bad_percent(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (base::lower(c) >= 'a' && base::lower(c) <= 'f'); };
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) {
      return wrong("`%` must be followed by two hexadecimal digits");
    }
  }
  return std::nullopt;
}

/// Takes the placeholders out; an Error for one nobody knows.
base::Result<std::string> without_placeholders(std::string_view text) {
  constexpr std::string_view kKnown[] = {"{host}", "{path}", "{query}"};
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '{' && text[at] != '}') {
      plain += text[at++];
      continue;
    }
    const std::size_t end = text.find('}', at);
    const std::string_view word = end == std::string_view::npos ? text.substr(at) : text.substr(at, end - at + 1);
    if (std::find(std::begin(kKnown), std::end(kKnown), word) == std::end(kKnown)) {
      return wrong(
          fmt::format("{} is not a placeholder; the placeholders are {{host}}, {{path}} and {{query}}", shown(word)));
    }
    at = end + 1;
  }
  return plain;
}

}  // namespace

base::Result<std::string> parse_name(std::string_view text) {
  constexpr std::size_t kNameMax = 64;
  if (text.empty()) return wrong("it is empty");
  if (text.size() > kNameMax) return wrong(fmt::format("it has more than {} characters", kNameMax));
  if (text == "." || text == "..") return wrong("it means a folder in a URL");
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (base::lower(c) >= 'a' && base::lower(c) <= 'z') || c == '_' || c == '.' ||
           c == '-';
  };
  if (auto bad = bad_byte(text, good, "a name")) return *bad;
  return std::string(text);
}

base::Result<std::string> parse_token(std::string_view text) {
  if (text.empty()) return wrong("it is empty");
  if (auto bad = bad_byte(text, is_token_char, "it")) return *bad;
  return std::string(text);
}

base::Result<std::string> parse_field_value(std::string_view text) {
  if (base::trim(text).size() != text.size()) return wrong("it begins or ends with white space");
  const auto good = [](char c) { return is_visible(c) || c == ' ' || c == '\t'; };
  if (auto bad = bad_byte(text, good, "a header's value")) return *bad;
  return std::string(text);
}

base::Result<std::string> parse_path_prefix(std::string_view text) {
  if (text.empty() || text.front() != '/') return wrong("it must begin with `/`");
  if (text.find_first_of("?#") != std::string_view::npos) return wrong("a query or fragment is never matched");
  if (auto bad = bad_byte(text, is_visible, "a path")) return *bad;
  if (auto bad = bad_percent(text)) return *bad;
  if (has_dot_segment(text)) return wrong("a `.` or `..` segment never matches");
  return std::string(text);
}

base::Result<std::string> parse_target(std::string_view text) {
  if (text.empty() || text.front() != '/') return wrong("it must begin with `/`");
  const auto good = [](char c) { return is_visible(c) && c != '#'; };
  if (auto bad = bad_byte(text, good, "a request's path")) return *bad;
  return std::string(text);
}

base::Result<std::string> parse_redirect(std::string_view text) {
  if (auto bad = bad_byte(text, is_visible, "a URL")) return *bad;
  const auto plain = without_placeholders(text);
  if (!plain) return plain.error();
  if (text.starts_with("/")) {
    // "//host" names another host, and so does "/{path}" for a request of "//host".
    if (text.starts_with("//")) return wrong("`//` names a host: write https:// before it, or one `/`");
    if (text.starts_with("/{path}")) return wrong("{path} begins with `/` itself: write \"https://{host}{path}\"");
    return std::string(text);
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    if (rest.empty() || rest.starts_with("/") || rest.starts_with("{path}") || rest.starts_with("{query}")) {
      return wrong("the host is missing");
    }
    return std::string(text);
  }
  return wrong("it must begin with http://, https:// or `/`");
}

base::Result<std::string> parse_file_path(std::string_view text) {
  if (text.empty()) return wrong("it is empty");
  const auto good = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  if (auto bad = bad_byte(text, good, "a file's path")) return *bad;
  return std::string(text);
}

base::Result<std::string> parse_method(std::string_view text) {
  auto token = parse_token(text);
  if (!token) return token;
  if (text == "CONNECT" || text == "TRACE") return wrong("it cannot probe");
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  if (std::any_of(text.begin(), text.end(), is_small)) return wrong("methods are written in capitals");
  return token;
}

base::Result<std::string> parse_json_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return wrong("a JSON pointer begins with `/`");
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next != '0' && next != '1') return wrong("`~` must be written ~0, and `/` in a name ~1");
  }
  return std::string(text);
}

base::Result<std::vector<StatusRange>> parse_status_ranges(std::string_view text) {
  constexpr std::uint64_t kLowest = 200;  // 1xx never ends an exchange
  constexpr std::uint64_t kHighest = 999;
  constexpr std::size_t kRangesMax = 32;
  std::vector<StatusRange> ranges;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view piece = base::trim(text.substr(at, end - at));
    at = end + 1;
    const std::size_t dash = std::min(piece.find('-'), piece.size());
    const auto low = base::parse_decimal(base::trim(piece.substr(0, dash)));
    const auto high = dash == piece.size() ? low : base::parse_decimal(base::trim(piece.substr(dash + 1)));
    if (!low || !high) return wrong(fmt::format("{} is neither a status nor a range", shown(piece)));
    if (*low > *high) return wrong(fmt::format("{} runs backwards", shown(piece)));
    if (*low < kLowest || *high > kHighest) {
      return wrong(fmt::format("{} is not within {} to {}", shown(piece), kLowest, kHighest));
    }
    if (ranges.size() == kRangesMax) return wrong(fmt::format("it has more than {} ranges", kRangesMax));
    ranges.push_back({static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)});
  }
  return ranges;
}

std::string status_ranges_text(const std::vector<StatusRange>& ranges) {
  std::string out;
  for (const StatusRange& range : ranges) {
    if (!out.empty()) out += ',';
    out += range.low == range.high ? fmt::format("{}", range.low) : fmt::format("{}-{}", range.low, range.high);
  }
  return out;
}

}  // namespace holdfast::conf
