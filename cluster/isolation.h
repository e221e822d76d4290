#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "cluster/agreement.h"

namespace holdfast::cluster {

/// Notices that it is us who are cut off, not the backends that are dead: we alone see most of them down, while the
/// other proxies have reached them since.
///
/// Never with nobody to compare with. It ends when few are left that we alone see down: because we reach them again, or
/// because the others do not either. Pure.
class Isolation {
 public:
  /// One round over all backends: begin(), add() for each, decide().
  void begin() { round_ = {}; }
  void add(const Tally& tally);
  /// The standing from now on.
  Standing decide(base::Instant now);
  /// With Redis away, or after a pause: nothing to compare with.
  void forget();

  Standing standing() const { return standing_; }
  /// It looks like it, and the next round after kHold decides.
  bool is_pending() const { return standing_ == Standing::InTouch && since_.has_value(); }
  /// "cut off: we alone do not reach 3 of 4 backends"; empty while in touch.
  std::string reason() const;

  static constexpr std::uint32_t kEnterAbovePercent = 50;
  static constexpr std::uint32_t kLeaveAtPercent = 25;
  /// The rounds of this long must all say so: news of an outage do not reach everybody in the same millisecond.
  static constexpr base::Duration kHold = std::chrono::milliseconds{300};

 private:
  struct Round {
    std::uint32_t judged = 0;  // by our own probes
    std::uint32_t alone = 0;   // of those: down for us, reached by most others
    bool operator==(const Round&) const = default;
  };
  Round round_;
  Standing standing_ = Standing::InTouch;
  std::optional<base::Instant> since_;
};

}  // namespace holdfast::cluster
