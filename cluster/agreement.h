#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cluster/observation.h"
#include "health/verdict.h"

namespace holdfast::cluster {

/// How the proxies that count see one backend.
struct Tally {
  std::uint32_t up = 0;
  std::uint32_t down = 0;
  std::uint32_t others = 0;       ///< Of those that count, not counting us.
  std::uint32_t others_up = 0;    ///< Others that reached it after our own probes began to fail, if they do.
  std::uint32_t others_sick = 0;  ///< Of those, how many see it as sick.
  health::ProbeState own = health::ProbeState::Starting;

  std::uint32_t voters() const { return up + down; }
};

/// Counts what we and the `others` see of `backend`. Does not count: who is cut off, who has not seen it, who has not
/// looked for longer than `fresh_max`. `own` is null where we do not know it.
Tally tally_of(std::string_view backend, const Observation* own, Standing own_standing,
               const std::vector<ProxyReport>& others, base::Instant now, base::Duration fresh_max);

/// What is agreed: the word of more than half of those that count. None while nobody but us does.
///
/// What we and most others reach is as sick as we find it ourselves: Sick matters to who does not reach it.
///
/// To outvote probes of ours that fail, the others must have reached the backend since then: what they saw before is no
/// evidence.
health::Quorum agree(const Tally& tally, Standing own_standing);

/// "2 of 3 proxies do not reach it"
std::string words_of(const Tally& tally);

/// How old a look at a backend may be to count, where `proxies` share the probes: a missed turn is no silence.
base::Duration fresh_max(const conf::Probe& probe, std::size_t proxies);

}  // namespace holdfast::cluster
