#pragma once

#include <string>
#include <utility>
#include <vector>

namespace holdfast::base {

/// Recycled byte strings of one thread: whoever must hold bytes for a while takes one and gives it back, so that a busy
/// proxy does not allocate and an idle connection owns nothing.
class Buffers {
 public:
  /// An empty string, with the capacity of an earlier use where there is one.
  std::string take() {
    if (kept_.empty()) return {};
    std::string buffer = std::move(kept_.back());
    kept_.pop_back();
    return buffer;
  }
  void give(std::string&& buffer) {
    if (buffer.capacity() < kWorthKeeping || buffer.capacity() > kCapacityMax || kept_.size() >= kKeptMax) {
      std::string().swap(buffer);
      return;
    }
    buffer.clear();
    kept_.push_back(std::move(buffer));
    buffer = {};
  }

 private:
  static constexpr std::size_t kWorthKeeping = 32;  // below: inside the string object
  static constexpr std::size_t kCapacityMax = 512u << 10;
  static constexpr std::size_t kKeptMax = 64;
  std::vector<std::string> kept_;
};

}  // namespace holdfast::base
