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
               const std::vector<ProxyReport>& others, base::Instant now, base::Duration fresh_max) {
  Tally tally;
  if (own != nullptr) tally.own = own->probe;
  if (own != nullptr && own_standing == Standing::InTouch && counts(*own, now, fresh_max)) {
    ++(own->probe == ProbeState::Failing ? tally.down : tally.up);
  }
  for (const ProxyReport& proxy : others) {
    const auto it = proxy.sees.find(backend);
    if (proxy.standing == Standing::CutOff || it == proxy.sees.end() || !counts(it->second, now, fresh_max)) continue;
    const Observation& seen = it->second;
    ++tally.others;
    if (seen.probe == ProbeState::Failing) {
      ++tally.down;
      continue;
    }
    ++tally.up;
    const bool is_later = own == nullptr || !own->failing_since || *seen.probed >= *own->failing_since;
    if (!is_later || seen.failed_in_a_row != 0) continue;
    ++tally.others_up;
    if (seen.probe == ProbeState::Sick) ++tally.others_sick;
  }
  return tally;
}

health::Quorum agree(const Tally& tally, Standing own_standing) {
  if (tally.others == 0) return health::Quorum::None;
  const std::uint32_t majority = tally.voters() / 2 + 1;
  if (tally.down >= majority) return health::Quorum::Down;
  const bool is_reached = tally.own == ProbeState::Passing || tally.own == ProbeState::Sick;
  const bool own_is_up = is_reached && own_standing == Standing::InTouch;
  const std::uint32_t up = tally.own == ProbeState::Failing ? tally.others_up : tally.others_up + (own_is_up ? 1u : 0u);
  if (up < majority) return health::Quorum::None;
  return tally.others_sick > tally.others_up / 2 ? health::Quorum::Sick : health::Quorum::Up;
}

std::string words_of(const Tally& tally) {
  if (tally.down <= tally.voters() / 2 && tally.others_sick > 0) {
    return fmt::format("it tells {} of {} other proxies that it is sick", tally.others_sick, tally.others);
  }
  return fmt::format("{} of {} proxies do not reach it", tally.down, tally.voters());
}

base::Duration fresh_max(const conf::Probe& probe, std::size_t proxies) {
  return probe.interval * static_cast<int>(proxies + 2) + probe.timeout * 2 + std::chrono::seconds{1};
}

}  // namespace holdfast::cluster
