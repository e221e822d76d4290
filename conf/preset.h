#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "conf/settings.h"
#include "conf/toml_tree.h"

namespace holdfast::conf {

/// Puts a preset's values in place of the defaults; the keys of the file are read after it, each over its own.
/// `table` is the pool's: a Mendix without a password for its admin port is probed by HTTP.
void apply_preset(Pool& pool, Preset preset, const TomlNode& table);

/// A path that an app is known for, and what becomes of it.
struct PresetRoute {
  std::string_view path;
  RouteAction action = RouteAction::Deny;
  std::optional<Duration> response_timeout = {};
};
std::span<const PresetRoute> routes_of(Preset preset);

/// Adds, for each host whose "/" goes to a pool with a preset, what routes_of() says of the paths below; a path that
/// has a route of its own is the user's business.
void add_preset_routes(Settings& settings);

}  // namespace holdfast::conf
