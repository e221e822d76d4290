#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "conf/settings.h"

/// What becomes of settings when the file is read again. Pure.
namespace holdfast::conf {

/// Gives each name of a pool and of a backend in it the same id in all settings of one process: what is kept by id
/// (health, counters, connections, loads) stays with the same name. An id is never given to another name, so one
/// that is gone finds all its own again when it comes back. Each name ever seen costs a few hundred bytes.
class Numbering {
 public:
  explicit Numbering(const Settings& first);
  /// `fresh` as read_settings made it.
  void apply(Settings& fresh);

 private:
  std::map<std::string, PoolId, std::less<>> pools_;
  std::map<std::pair<PoolId, std::string>, BackendId> backends_;
};

/// One key that is another one now.
struct KeyChange {
  enum class Effect : std::uint8_t { AtOnce, AfterRestart };
  std::string key;     ///< "pools.shop.probe.interval", "pools.shop.backends.app3.address"
  std::string before;  ///< As `holdfast -T` shows it. Empty: it was not there.
  std::string after;   ///< Empty: it is gone.
  Effect effect = Effect::AtOnce;
  bool operator==(const KeyChange&) const = default;
};

std::vector<KeyChange> changes(const Settings& running, const Settings& fresh);

/// Puts back what is read at the start only, as it is in force.
void keep_for_restart(Settings& fresh, const Settings& running);

}  // namespace holdfast::conf
