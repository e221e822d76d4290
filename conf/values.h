#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "conf/diagnostics.h"
#include "conf/settings.h"
#include "conf/toml_tree.h"

/// Reading one value of a known type. An Error's text is a hint for the message, and may be empty: what was expected
/// and found is said by whoever knows the key.
namespace holdfast::conf {

/// No configured time is longer: sums with the clock cannot overflow.
inline constexpr base::Duration kDurationMax = std::chrono::days{365};
/// The largest number of bytes that can be written.
inline constexpr std::uint64_t kSizeMax = std::numeric_limits<std::int64_t>::max();

base::Result<base::Duration> read_duration(const TomlNode& node, base::Duration min, base::Duration max);
/// Bytes: text with a unit, or an integer.
base::Result<std::uint64_t> read_size(const TomlNode& node, std::uint64_t min, std::uint64_t max);
base::Result<std::uint64_t> read_integer(const TomlNode& node, std::uint64_t min, std::uint64_t max);
base::Result<bool> read_boolean(const TomlNode& node);
/// "host:port"; `port_min` as in parse_endpoint.
base::Result<Endpoint> read_endpoint(const TomlNode& node, std::uint16_t port_min);
/// Its index in `words`.
base::Result<std::size_t> read_choice(const TomlNode& node, std::span<const std::string_view> words);

/// The words for types, as messages and docs/configuration.md have them.
std::string duration_type(base::Duration min, base::Duration max);
std::string size_type(std::uint64_t min, std::uint64_t max);
std::string integer_type(std::uint64_t min, std::uint64_t max);
std::string choice_type(std::span<const std::string_view> words);

/// Adds "NAME: expected a TYPE, found ...; hint" at the node.
void add_expected(Diagnostics& diagnostics, const TomlNode& node, std::string_view key, std::string_view type,
                  std::string_view hint);

}  // namespace holdfast::conf
