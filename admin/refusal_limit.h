#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.h"

namespace holdfast::admin {

/// Limits how many refused orders are logged: a client that sends many must not fill the log. Pure.
class RefusalLimit {
 public:
  static constexpr std::uint32_t kMost = 20;  ///< In each kWhile.
  static constexpr base::Duration kWhile = std::chrono::minutes{1};

  /// Of one more: write it down, with how many before it were not; nullopt: do not.
  std::optional<std::uint64_t> note(base::Instant now) {
    if (written_ == 0 || now - began_ >= kWhile) {
      written_ = 0;
      began_ = now;
    }
    if (written_ == kMost) return ++left_out_, std::nullopt;
    ++written_;
    return std::exchange(left_out_, 0);
  }

 private:
  std::uint32_t written_ = 0;
  base::Instant began_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace holdfast::admin
