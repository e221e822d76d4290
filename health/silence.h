#pragma once

#include <cstdint>

#include "base/time.h"

namespace holdfast::health {

/// Notices that a backend with requests in flight no longer responds: for one backend, from numbers read now and
/// then. Pure.
///
/// One slow response among quick ones is no silence, and a backend that is slow with all it has is asked (probed) less
/// and less: after `limit`, then each time the silence has grown to twice its length, or `limit` after it has got more
/// to do.
class Silence {
 public:
  struct Seen {
    base::Instant now;
    std::uint32_t waiting = 0;    ///< Requests in flight, tunnels and event streams left out.
    std::uint64_t responses = 0;  ///< So far.
  };

  /// True: it is time to look at it. A limit of 0: never.
  bool is_notable(const Seen& seen, base::Duration limit);
  base::Duration lasted(base::Instant now) const { return now - since_; }

 private:
  bool has_seen_ = false;
  std::uint64_t responses_ = 0;
  std::uint32_t waiting_ = 0;
  base::Instant since_{};
  base::Instant due_{};
};

}  // namespace holdfast::health
