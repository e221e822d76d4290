#include "http/path.h"

#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr bool is_unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// The byte that a percent-escape at the start of `text` stands for, or -1.
int escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = scan::hex_digit(text[1]);
  const int low = scan::hex_digit(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Calls `on_segment` with each piece between slashes, the first after the leading slash; stops when it says so.
template <class OnSegment>
void each_segment(std::string_view path, OnSegment on_segment) {
  if (!path.empty()) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    const bool is_last = slash == std::string_view::npos;
    on_segment(path.substr(0, slash), is_last);
    if (is_last) return;
    path.remove_prefix(slash + 1);
  }
}

bool is_dots(std::string_view segment) { return segment == "." || segment == ".."; }

/// Decoded for comparison: what normalised_path makes of one character, before segments are looked at.
void append_decoded(std::string& out, std::string_view& rest) {
  const int byte = escaped_byte(rest);
  if (byte < 0) {
    out += rest.front();
    rest.remove_prefix(1);
    return;
  }
  if (is_unreserved(byte)) {
    out += static_cast<char>(byte);
  } else if (byte == '/' || byte == '\\') {
    out += '/';
  } else {
    constexpr char kHex[] = "0123456789ABCDEF";
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  rest.remove_prefix(3);
}

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_decoded(out, text);
  return out;
}

/// One segment between raw slashes, looked at for what would make readings differ.
struct SegmentFacts {
  bool has_dots = false;           // some piece of it is "." or "..", once decoded and without parameters
  bool has_encoded_slash = false;  // %2f or %5c
};

SegmentFacts look_at(std::string_view segment) {
  SegmentFacts facts;
  std::string text = decoded(segment);
  facts.has_encoded_slash = text.find('/') != std::string::npos;
  text.insert(text.begin(), '/');
  each_segment(text, [&](std::string_view piece, bool) {
    if (is_dots(piece.substr(0, piece.find(';')))) facts.has_dots = true;
  });
  return facts;
}

const char* escape_fault(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') return "backslash in the path";
    if (path[i] != '%') continue;
    const int byte = escaped_byte(path.substr(i));
    if (byte < 0) return "broken percent-escape in the path";
    if (byte == 0) return "encoded NUL in the path";
    i += 2;
  }
  return nullptr;
}

/// `text` has one kind of slash and no escapes of unreserved characters: merges slashes, drops parameters, and dot
/// segments if told to.
enum class Dots : std::uint8_t { Resolve, Keep };

std::string rebuilt(std::string_view text, Dots dots) {
  std::string out;
  out.reserve(text.size() + 1);
  bool ends_in_slash = false;
  each_segment(text, [&](std::string_view segment, bool is_last) {
    segment = segment.substr(0, segment.find(';'));
    const bool resolves = dots == Dots::Resolve && is_dots(segment);
    ends_in_slash = is_last && (segment.empty() || resolves);
    if (segment.empty() || (resolves && segment == ".")) return;
    if (resolves) {
      out.resize(out.empty() ? 0 : out.rfind('/'));
    } else {
      out += '/';
      out += segment;
    }
  });
  if (ends_in_slash || out.empty()) out += '/';
  return out;
}

}  // namespace

bool is_plain_path(std::string_view path) {
  const char* const end = path.data() + path.size();
  for (const char* at = path.data(); at != end; ++at) {
    if (!scan::is_path_mark(*at)) continue;
    if (*at != '/') return false;
    // "/./", "/.hidden" and "//" all leave the quick way; only rare paths do.
    if (at + 1 != end && (at[1] == '/' || at[1] == '.')) return false;
  }
  return true;
}

const char* path_fault(std::string_view path) {
  if (const char* fault = escape_fault(path)) return fault;
  const char* fault = nullptr;
  int depth = 0;
  bool climbs = false;
  bool has_encoded_slash = false;
  bool has_empty = false;
  each_segment(path, [&](std::string_view segment, bool is_last) {
    const SegmentFacts facts = look_at(segment);
    has_encoded_slash |= facts.has_encoded_slash;
    has_empty |= segment.substr(0, segment.find(';')).empty() && !is_last;
    if (facts.has_dots && !is_dots(segment)) fault = "dot segment in disguise";
    if (segment == "..") {
      climbs = true;
      if (--depth < 0) fault = "path climbs above the root";
    } else if (segment != ".") {
      ++depth;
    }
  });
  if (fault == nullptr && climbs && (has_encoded_slash || has_empty)) fault = "path with more than one reading";
  return fault;
}

std::string normalised_path(std::string_view path) { return rebuilt(decoded(path), Dots::Resolve); }

std::string unresolved_path(std::string_view path) { return rebuilt(decoded(path), Dots::Keep); }

}  // namespace holdfast::http
