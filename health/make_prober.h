#pragma once

#include <memory>

#include "conf/settings.h"
#include "health/prober.h"
#include "net/stream.h"

namespace holdfast::health {

/// What is to be probed, and how. `probe` outlives the prober; the others are needed during the call only.
struct ProbeTarget {
  const conf::Probe& probe;
  const conf::Backend& backend;
  const net::Address& address;  ///< Of the backend; the probe may have another port.
};

/// The prober that the settings ask for; nullptr with probe type "none". The only place that knows all types.
std::unique_ptr<Prober> make_prober(const ProbeTarget& target, base::Scheduler& scheduler, net::Dialer& dialer,
                                    Prober::Done done);

}  // namespace holdfast::health
