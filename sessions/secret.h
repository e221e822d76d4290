#pragma once

#include <string>

#include "base/result.h"
#include "conf/settings.h"

namespace holdfast::sessions {

inline constexpr std::size_t kSecretBytesMin = 16;

/// This installation's one secret, from which the Keyring derives all keys. Never logged or shown.
struct Secret {
  std::string bytes;   ///< At least kSecretBytesMin.
  std::string source;  ///< For people: the file's path, or the variable's name.
  std::string note;    ///< Something to warn of (others may read the file), or empty.
};

/// Where the secret comes from, the first that is given: `settings.secret_file`; the variable HOLDFAST_SECRET, whose
/// value is `environment_value` (nullptr: not set); `state_dir`/secret, which is made on first use, with 32 random
/// bytes as hex, mode 0600, in a directory that is made too (0700). Several processes that start at once agree on one.
///
/// One line end at a file's end does not count. What is given but unusable is an error that names it, never passed
/// over for the next: two proxies with different secrets would disown each other's sessions. Blocks on the disk.
base::Result<Secret> load_secret(const conf::Sessions& settings, const std::string& state_dir,
                                 const char* environment_value);

/// Could `state_dir` be made, or written to, if it is there? Writes nothing.
base::Result<void> check_state_dir(const std::string& state_dir);

}  // namespace holdfast::sessions
