#include "health/prober.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace holdfast::health {

base::Duration lateness_max(const conf::Probe& probe) {
  return std::max<base::Duration>(std::chrono::seconds{1}, probe.timeout);
}

Prober::Prober(const conf::Probe& probe, const net::Address& address, base::Scheduler& scheduler, net::Dialer& dialer,
               Done done)
    : probe_(probe),
      address_(address),
      scheduler_(scheduler),
      dialer_(dialer),
      done_(std::move(done)),
      deadline_(scheduler.timer([this] { on_deadline(); })) {}

void Prober::begin(Connect how, Depth depth) {
  base::check(!is_under_way_, "one probe at a time");
  is_under_way_ = true;
  began_ = scheduler_.now();
  deadline_->set(began_ + probe_.timeout);
  on_begin(how, depth);
}

void Prober::cancel() {
  is_under_way_ = false;
  deadline_->cancel();
  dial_.reset();  // never on the stack here; buried, its own timer could still fire in this turn
  on_cancelled();
}

void Prober::dial() {
  const base::Duration left = began_ + probe_.timeout - scheduler_.now();
  dial_ = dialer_.dial(address_, std::max(left, base::Duration::zero()),
                       [this](base::Result<std::unique_ptr<net::Stream>> result) { on_dialled(std::move(result)); });
}

void Prober::on_dialled(base::Result<std::unique_ptr<net::Stream>> result) {
  scheduler_.bury(std::exchange(dial_, nullptr));
  if (result) return on_connected(std::move(*result));
  if (result.error().code == base::ErrorCode::Timeout) {
    return fail(base::ErrorCode::Timeout, "no connection within " + base::duration_text(probe_.timeout));
  }
  fail(result.error().code, result.error().text);
}

void Prober::on_deadline() {
  const bool connected = dial_ == nullptr;
  fail(base::ErrorCode::Timeout,
       (connected ? "no whole answer within " : "no connection within ") + base::duration_text(probe_.timeout));
}

void Prober::fail(base::ErrorCode code, std::string detail) {
  // What this process lacks says nothing about the backend.
  const Validity validity = code == base::ErrorCode::Overload ? Validity::Discarded : Validity::Counts;
  finish({.reason = reason_of(code), .detail = bounded_detail(std::move(detail)), .validity = validity});
}

void Prober::finish(ProbeOutcome outcome) {
  if (outcome.result() == ProbeResult::Failed) {
    if (slept_through_deadline()) outcome.validity = Validity::Discarded;
    cancel();
  }
  deadline_->cancel();
  is_under_way_ = false;
  outcome.took = scheduler_.now() - began_;
  done_(outcome);
}

bool Prober::slept_through_deadline() const {
  return scheduler_.now() - (began_ + probe_.timeout) > lateness_max(probe_);
}

}  // namespace holdfast::health
