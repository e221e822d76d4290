// Exchange, and a backend that was judged hung: what waits on it waits in vain.
#include <utility>

#include "proxy/exchange.h"

namespace holdfast::proxy {

namespace {

using base::ErrorCode;

}  // namespace

/// Its backend was judged down, and says nothing at all any more: what waits on it waits in vain. Once: where the next
/// one hangs, too, the deadlines end it.
void Exchange::on_hung() {
  if (std::exchange(is_hung_, true)) return;
  if (pool().hung.grace == base::Duration::zero()) return leave_hung();
  if (!hung_) hung_ = context_.scheduler.timer([this] { on_hung_due(); });
  hung_->set(context_.now() + pool().hung.grace);
}

void Exchange::on_hung_due() {
  Client& client = *client_;
  if (context_.view->of(*backend_).silent) leave_hung();
  client.resume();
}

void Exchange::leave_hung() {
  const bool has_client_its_turn = state_ == State::Relaying && (!lease_ || !client_->send_buffer().is_empty());
  if (is_held_ || has_client_its_turn) return;
  // A response that still comes is no response of a hung one, whatever the probes say.
  if (const base::Instant quiet = moved_ + pool().probe.timeout; state_ == State::Relaying && context_.now() < quiet) {
    if (!hung_) hung_ = context_.scheduler.timer([this] { on_hung_due(); });
    return hung_->set(quiet);
  }
  context_.counters.backend[conf::index(*backend_)].released.add();
  if (state_ == State::Relaying) return on_response_cut({ErrorCode::Timeout, "its backend hangs"});
  dial_.reset();
  is_released_ = true;
  on_attempt_failed({ErrorCode::Timeout, "its backend hangs"});
}

}  // namespace holdfast::proxy
