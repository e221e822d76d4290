#include "cluster/isolation.h"

#include <fmt/format.h>

namespace holdfast::cluster {

void Isolation::add(const Tally& tally) {
  if (tally.own == health::ProbeState::Starting) return;
  ++round_.judged;
  if (tally.own == health::ProbeState::Failing && tally.others_up > tally.others / 2) ++round_.alone;
}

Standing Isolation::decide(base::Instant now) {
  const std::uint64_t percent = round_.judged == 0 ? 0 : std::uint64_t{100} * round_.alone / round_.judged;
  const bool is_more_than_half = std::uint64_t{100} * round_.alone > std::uint64_t{kEnterAbovePercent} * round_.judged;
  if (standing_ == Standing::CutOff) {
    if (percent <= kLeaveAtPercent) forget();
    return standing_;
  }
  if (!is_more_than_half) {
    since_.reset();
    return standing_;
  }
  if (!since_) since_ = now;
  if (now - *since_ >= kHold) standing_ = Standing::CutOff;
  return standing_;
}

void Isolation::forget() {
  standing_ = Standing::InTouch;
  since_.reset();
}

std::string Isolation::reason() const {
  if (standing_ == Standing::InTouch) return {};
  return fmt::format("cut off: we alone do not reach {} of {} backends", round_.alone, round_.judged);
}

}  // namespace holdfast::cluster
