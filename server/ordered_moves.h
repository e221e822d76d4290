#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "admin/view.h"
#include "conf/settings.h"

namespace holdfast::server {

/// How many sessions this proxy has moved away from each backend because operators said so. Those that move one by one
/// with their requests are counted by the workers. Owned by BackendControl, on the control loop.
class OrderedMoves {
 public:
  /// `reason` lives for ever.
  void note(conf::BackendId from, std::string_view reason, std::uint64_t sessions);
  /// To what the workers have counted.
  void add_to(admin::BackendView& view, conf::BackendId from) const;

 private:
  std::vector<admin::Counts> counts_;  // by BackendId
};

}  // namespace holdfast::server
