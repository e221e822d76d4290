#include "conf/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace holdfast::conf {

namespace {

constexpr std::size_t kShownMax = 60;
constexpr std::size_t kWordMax = 64;  ///< Longer words get no suggestion: comparing costs the product of the lengths.

}  // namespace

Diagnostics::Inside::Inside(Diagnostics& diagnostics, std::string_view name)
    : diagnostics_(diagnostics), length_before_(diagnostics.path_.size()) {
  if (!diagnostics_.path_.empty()) diagnostics_.path_ += '.';
  diagnostics_.path_ += name;
}

void Diagnostics::add(Place place, std::string what) { found_.push_back({place.line, place.column, std::move(what)}); }

void Diagnostics::add(const TomlNode& value, std::string what) {
  unsound_.insert(&value);
  add(value.place, std::move(what));
}

std::string Diagnostics::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> out = found_;
  std::stable_sort(out.begin(), out.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return out;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kWordMax) return std::nullopt;
  const std::string lowered = base::to_lower(word);
  std::string_view best;
  const std::size_t distance_max = std::max<std::size_t>(word.size() < 4 ? 1 : 2, word.size() / 3);
  std::size_t best_distance = distance_max + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), word.size());
    if (longer - std::min(candidate.size(), word.size()) >= best_distance) continue;
    const std::size_t distance = base::edit_distance(lowered, base::to_lower(candidate));
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best.empty() ? std::nullopt : std::optional(best);
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
          out += fmt::format("\\u{:04X}", byte);
        } else {
          out += c;
        }
      }
    }
  }
  return out += '"';
}

std::string shown(std::string_view text) {
  if (text.size() <= kShownMax) return toml_string(text);
  std::size_t cut = kShownMax;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a UTF-8 sequence
  return toml_string(text.substr(0, cut)) + "...";
}

std::string described(const TomlNode& node) {
  switch (node.kind) {
    case TomlNode::Kind::Text:
      return shown(node.text);
    case TomlNode::Kind::Integer:
      return fmt::format("the integer {}", node.integer);
    case TomlNode::Kind::Float:
      return "a number with a fraction";
    case TomlNode::Kind::Boolean:
      return node.boolean ? "true" : "false";
    case TomlNode::Kind::Date:
      return "a date or time";
    case TomlNode::Kind::Array:
      return node.items.empty() ? "an empty list" : "a list";
    case TomlNode::Kind::Table:
      return "a table";
  }
  return "something else";
}

}  // namespace holdfast::conf
