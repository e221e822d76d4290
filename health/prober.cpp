#include "health/prober.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::health {

base::Duration lateness_max(const conf::Probe& probe) {
  return std::max<base::Duration>(std::chrono::seconds{1}, probe.timeout);
}

Prober::Prober(const conf::Probe& probe, base::Scheduler& scheduler, Done done)
    : probe_(probe), scheduler_(scheduler), done_(std::move(done)) {}

void Prober::begin(Connect how, Depth depth) {
  base::check(!is_under_way_, "one probe at a time");
  is_under_way_ = true;
  began_ = scheduler_.now();
  on_begin(how, depth);
}

void Prober::cancel() {
  is_under_way_ = false;
  on_cancelled();
}

void Prober::fail(base::ErrorCode code, std::string detail, std::uint16_t status) {
  // What this process lacks says nothing about the backend.
  const Validity validity = code == base::ErrorCode::Overload ? Validity::Discarded : Validity::Counts;
  finish(
      {.reason = reason_of(code), .status = status, .detail = bounded_detail(std::move(detail)), .validity = validity});
}

void Prober::finish(ProbeOutcome outcome) {
  if (outcome.result() == ProbeResult::Failed) {
    if (slept_through_deadline()) outcome.validity = Validity::Discarded;
    cancel();
  }
  is_under_way_ = false;
  outcome.took = scheduler_.now() - began_;
  done_(outcome);
}

bool Prober::slept_through_deadline() const {
  return scheduler_.now() - (began_ + probe_.timeout) > lateness_max(probe_);
}

}  // namespace holdfast::health
