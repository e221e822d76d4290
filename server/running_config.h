#pragma once

#include <memory>

#include "conf/settings.h"
#include "proxy/snapshot.h"

namespace holdfast::server {

/// The configuration in force. Server owns it and changes it with a reload; the parts of the control loop keep a
/// reference, so that none of them looks at an older one.
struct RunningConfig {
  std::shared_ptr<const conf::Settings> settings;
  std::shared_ptr<const proxy::Snapshot> snapshot;  ///< nullptr until the backends' names are resolved.
};

}  // namespace holdfast::server
