#include "cluster/agreement.h"

#include <fmt/format.h>

namespace holdfast::cluster {

namespace {

using health::ProbeState;

bool counts(const Observation& seen, base::Instant now, base::Duration fresh_max) {
  return seen.probe != ProbeState::Starting && seen.probed && now - *seen.probed <= fresh_max;
}

}  // namespace

Tally tally_of(std::string_view backend, const Observation* own, Standing own_standing,
               const std::vector<NodeWord>& others, base::Instant now, base::Duration fresh_max) {
  Tally tally;
  if (own != nullptr) tally.own = own->probe;
  if (own != nullptr && own_standing == Standing::InTouch && counts(*own, now, fresh_max)) {
    ++(own->probe == ProbeState::Failing ? tally.down : tally.up);
  }
  for (const NodeWord& node : others) {
    const auto it = node.sees.find(backend);
    if (node.standing == Standing::CutOff || it == node.sees.end() || !counts(it->second, now, fresh_max)) continue;
    const Observation& seen = it->second;
    ++tally.others;
    if (seen.probe == ProbeState::Failing) {
      ++tally.down;
      continue;
    }
    ++tally.up;
    const bool is_later = own == nullptr || !own->failing_since || *seen.probed >= *own->failing_since;
    if (is_later && seen.failed_in_a_row == 0) ++tally.others_up;
  }
  return tally;
}

health::Quorum agree(const Tally& tally, Standing own_standing) {
  if (tally.others == 0) return health::Quorum::None;
  const std::uint32_t majority = tally.voters() / 2 + 1;
  if (tally.down >= majority) return health::Quorum::SaysDown;
  const bool own_is_up = tally.own == ProbeState::Passing && own_standing == Standing::InTouch;
  const std::uint32_t up = tally.own == ProbeState::Failing ? tally.others_up : tally.others_up + (own_is_up ? 1u : 0u);
  return up >= majority ? health::Quorum::SaysUp : health::Quorum::None;
}

std::string words_of(const Tally& tally) {
  return fmt::format("{} of {} proxies do not reach it", tally.down, tally.voters());
}

base::Duration fresh_max(const conf::Probe& probe, std::size_t nodes) {
  return probe.interval * static_cast<int>(nodes + 2) + probe.timeout * 2 + std::chrono::seconds{1};
}

}  // namespace holdfast::cluster
