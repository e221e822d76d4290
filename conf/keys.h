#pragma once

#include <string>
#include <vector>

namespace holdfast::conf {

/// One key of the configuration, as docs/configuration.md has to describe it.
struct KnownKey {
  std::string path;     ///< "pools.NAME.probe.interval"; lists of tables have no index: "listen.address".
  std::string type;     ///< With its range and unit: "duration from 1ms to 365d".
  std::string initial;  ///< The default as TOML text, "required", or "none".
  bool later = false;   ///< Known, and refused as not yet supported.
};

/// Every key the reader knows, from the same tables it reads with, in the order of the dump.
std::vector<KnownKey> key_list();
/// The paths of those that are supported.
std::vector<std::string> known_keys();

}  // namespace holdfast::conf
