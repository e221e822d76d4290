#include "base/histogram.h"

namespace holdfast::base {

Duration quantile(const Histogram::Counts& counts, unsigned percent) {
  const std::uint64_t all = count_of(counts);
  if (all == 0) return {};
  const std::uint64_t wanted = std::max<std::uint64_t>(1, (all * percent + 99) / 100);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (below + counts[i] < wanted) {
      below += counts[i];
      continue;
    }
    const Duration low = i == 0 ? Duration{} : Histogram::bound_of(i - 1);
    const double part = static_cast<double>(wanted - below) / static_cast<double>(counts[i]);
    return low +
           Duration{static_cast<std::int64_t>(static_cast<double>((Histogram::bound_of(i) - low).count()) * part)};
  }
  return Histogram::bound_of(counts.size() - 1);
}

}  // namespace holdfast::base
