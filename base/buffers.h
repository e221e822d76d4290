#pragma once

#include <string>
#include <utility>
#include <vector>

namespace holdfast::base {

/// Recycled byte strings of one thread: whoever must hold bytes for a while takes one and gives it back, so that a busy
/// proxy does not allocate and an idle connection owns nothing.
class Buffers {
 public:
  /// Gives a `text` that is empty and has no room of its own what an earlier use has left, where there is something.
  void lend(std::string& text) {
    if (!text.empty() || has_room(text) || kept_.empty()) return;
    text = std::move(kept_.back());
    kept_.pop_back();
  }
  /// Empties `text` and takes its room, where it has any. Costs next to nothing where it has none.
  void take_back(std::string& text) {
    if (!has_room(text)) return text.clear();
    take_room(text);
  }

 private:
  // A string never has a capacity of 0: short ones are inside the object.
  static bool has_room(const std::string& text) { return text.capacity() >= kWorthKeeping; }

  // Apart, so that the usual case is small enough to be inlined.
  [[gnu::noinline]] void take_room(std::string& text) {
    if (text.capacity() > kCapacityMax || kept_.size() >= kKeptMax) return std::string().swap(text);
    text.clear();
    kept_.push_back(std::move(text));
    text = {};
  }

  static constexpr std::size_t kWorthKeeping = 32;
  static constexpr std::size_t kCapacityMax = 512u << 10;
  static constexpr std::size_t kKeptMax = 64;
  std::vector<std::string> kept_;
};

}  // namespace holdfast::base
