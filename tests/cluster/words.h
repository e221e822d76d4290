#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "cluster/observation.h"

namespace holdfast::tests {

inline const base::Instant kNow = base::Instant{} + std::chrono::hours{100};

/// Passing, probed `ago` before kNow.
inline cluster::Observation passing(base::Duration ago = std::chrono::seconds{1}) {
  return {.probe = health::ProbeState::Passing, .passed_in_a_row = 9, .probed = kNow - ago};
}
/// Failing since `since` before kNow; the last probe was `ago` before it.
inline cluster::Observation failing(base::Duration since = std::chrono::seconds{2},
                                    base::Duration ago = std::chrono::milliseconds{200}) {
  return {.probe = health::ProbeState::Failing,
          .failed_in_a_row = 3,
          .probed = kNow - ago,
          .failing_since = kNow - since,
          .reason = "probe_refused"};
}
/// Sick, probed `ago` before kNow.
inline cluster::Observation sick(base::Duration ago = std::chrono::seconds{1}) {
  return {.probe = health::ProbeState::Sick, .probed = kNow - ago, .reason = "app_sick", .sick_in_a_row = 9};
}
inline cluster::Observation starting() { return {}; }

inline cluster::ProxyReport proxy(std::string name, cluster::Observations sees = {},
                                  cluster::Standing standing = cluster::Standing::InTouch) {
  return {.name = std::move(name), .instance = "1", .standing = standing, .number = 1, .sees = std::move(sees)};
}

}  // namespace holdfast::tests
