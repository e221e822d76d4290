#include "conf/values.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "conf/words.h"

namespace holdfast::conf {

namespace {

using Kind = TomlNode::Kind;

base::Error wrong(std::string hint) { return {base::ErrorCode::Invalid, std::move(hint)}; }

/// "2 sec", "5S", "1.5s": what people write for a duration.
std::string duration_hint(const TomlNode& node) {
  if (node.is(Kind::Integer) && node.integer > 0) return fmt::format("write a unit, as in \"{}s\"", node.integer);
  if (!node.is(Kind::Text)) return {};
  if (base::parse_decimal(node.text)) return fmt::format("write a unit, as in \"{}s\"", node.text);
  return "a duration is a whole number and one of ms, s, m, h, d";
}

std::string size_hint(const TomlNode& node) {
  if (!node.is(Kind::Text)) return {};
  return "a size is a whole number and one of B, KiB, MiB, GiB";
}

}  // namespace

base::Result<base::Duration> read_duration(const TomlNode& node, base::Duration min, base::Duration max) {
  const auto duration = node.is(Kind::Text) ? base::parse_duration(node.text) : std::nullopt;
  if (!duration) return wrong(duration_hint(node));
  if (*duration < min || *duration > max) return wrong({});
  return *duration;
}

base::Result<std::uint64_t> read_size(const TomlNode& node, std::uint64_t min, std::uint64_t max) {
  if (node.is(Kind::Integer)) return read_integer(node, min, max);
  const auto size = node.is(Kind::Text) ? base::parse_size(node.text) : std::nullopt;
  if (!size) return wrong(size_hint(node));
  if (*size < min || *size > max) return wrong({});
  return *size;
}

base::Result<std::uint64_t> read_integer(const TomlNode& node, std::uint64_t min, std::uint64_t max) {
  if (!node.is(Kind::Integer)) {
    const bool is_quoted = node.is(Kind::Text) && base::parse_decimal(node.text);
    return wrong(is_quoted ? "leave out the quotes" : "");
  }
  const auto value = static_cast<std::uint64_t>(node.integer);
  if (node.integer < 0 || value < min || value > max) return wrong({});
  return value;
}

base::Result<bool> read_boolean(const TomlNode& node) {
  if (node.is(Kind::Boolean)) return node.boolean;
  const bool is_quoted = node.is(Kind::Text) && (node.text == "true" || node.text == "false");
  return wrong(is_quoted ? "leave out the quotes" : "");
}

base::Result<std::size_t> read_choice(const TomlNode& node, std::span<const std::string_view> words) {
  if (!node.is(Kind::Text)) return wrong({});
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const auto near = nearest(node.text, words);
  return wrong(near ? fmt::format("did you mean {}?", toml_string(*near)) : "");
}

base::Result<Endpoint> read_endpoint(const TomlNode& node, std::uint16_t port_min) {
  if (node.is(Kind::Text)) return parse_endpoint(node.text, port_min);
  return wrong(node.is(Kind::Integer) ? "the host is missing, as in \"0.0.0.0:8080\"" : "");
}

std::string duration_type(base::Duration min, base::Duration max) {
  return fmt::format("duration from {} to {}", base::duration_text(min), base::duration_text(max));
}

std::string size_type(std::uint64_t min, std::uint64_t max) {
  if (max < kSizeMax) return fmt::format("size from {} to {}", base::size_text(min), base::size_text(max));
  return min == 0 ? "size" : fmt::format("size from {}", base::size_text(min));
}

std::string integer_type(std::uint64_t min, std::uint64_t max) {
  return fmt::format("integer from {} to {}", min, max);
}

std::string choice_type(std::span<const std::string_view> words) {
  std::string out = "one of ";
  for (const std::string_view word : words) {
    if (!out.ends_with(' ')) out += ", ";
    out += toml_string(word);
  }
  return out;
}

void add_expected(Diagnostics& diagnostics, const TomlNode& node, std::string_view key, std::string_view type,
                  std::string_view hint) {
  const bool has_article = !type.starts_with("one of") && !type.starts_with("true");
  const std::string_view article = !has_article ? "" : std::string_view("aeio").find(type.front()) < 4 ? "an " : "a ";
  diagnostics.add(node, fmt::format("{}: expected {}{}, found {}{}{}", diagnostics.full_name(key), article, type,
                                    described(node), hint.empty() ? "" : "; ", hint));
}

}  // namespace holdfast::conf
