#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace holdfast::proxy {

/// Takes turns: each entry's next turn is due 1/weight after its last (earliest deadline first), so a heavy entry's
/// turns lie evenly between the others', and equal weights go round in their order. A choice costs O(log n) and no
/// allocation.
class Rotation {
 public:
  /// Entries 0..count-1, all due within their first round; entry `first` begins (taken modulo count).
  /// `weight_of(entry)` is more than 0.
  template <class WeightOf>
  void restart(std::size_t count, std::size_t first, WeightOf weight_of) {
    turns_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const auto entry = static_cast<std::uint32_t>((first + i) % count);
      const double place = static_cast<double>(i) / static_cast<double>(count);
      turns_.push_back({place / weight_of(entry), entry});
    }
    std::make_heap(turns_.begin(), turns_.end(), is_later);
  }

  /// The next entry that `may_go`; nullopt when none may. Those passed over are due at once, but save no turns up.
  template <class MayGo, class WeightOf>
  std::optional<std::uint32_t> next(MayGo may_go, WeightOf weight_of) {
    auto end = turns_.end();
    std::optional<std::uint32_t> chosen;
    double now = 0;
    while (!chosen && end != turns_.begin()) {
      std::pop_heap(turns_.begin(), end, is_later);
      --end;
      now = end->due;
      if (may_go(end->entry)) chosen = end->entry;
    }
    if (chosen) end->due = now + 1.0 / weight_of(*chosen);
    for (; end != turns_.end(); std::push_heap(turns_.begin(), ++end, is_later)) {
      if (chosen && end->due < now) end->due = now;
    }
    return chosen;
  }

 private:
  struct Turn {
    double due;
    std::uint32_t entry;
  };
  static bool is_later(const Turn& a, const Turn& b) { return a.due != b.due ? a.due > b.due : a.entry > b.entry; }

  std::vector<Turn> turns_;  // a heap, the earliest first
};

}  // namespace holdfast::proxy
