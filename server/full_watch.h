#pragma once

#include <cstdint>
#include <utility>

#include "base/time.h"

namespace holdfast::server {

/// When a pool with max_sessions begins to turn new users away, and when it no longer does: so that people read two
/// lines, not one for each user. A pure value, one per pool.
class FullWatch {
 public:
  enum class News : std::uint8_t { None, Full, RoomAgain };

  static constexpr base::Duration kQuiet = std::chrono::seconds{10};  ///< Nobody refused for so long: there is room.

  /// `refused` counts on for ever. Again and again, a few times within kQuiet.
  News look(base::Instant now, std::uint64_t refused) {
    if (refused != refused_) {
      if (!is_full_) refused_before_ = refused_;
      refused_ = refused;
      last_ = now;
      return std::exchange(is_full_, true) ? News::None : News::Full;
    }
    if (!is_full_ || now - last_ < kQuiet) return News::None;
    is_full_ = false;
    return News::RoomAgain;
  }
  /// Turned away since the last Full.
  std::uint64_t refused() const { return refused_ - refused_before_; }

 private:
  bool is_full_ = false;
  std::uint64_t refused_ = 0;
  std::uint64_t refused_before_ = 0;
  base::Instant last_{};
};

}  // namespace holdfast::server
