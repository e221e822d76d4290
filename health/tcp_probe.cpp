#include "health/tcp_probe.h"

#include <utility>

#include "base/text.h"

namespace holdfast::health {

TcpProbe::TcpProbe(const conf::Probe& probe, const net::Address& address, base::Scheduler& scheduler,
                   net::Dialer& dialer, Done done)
    : Prober(probe, scheduler, std::move(done)), address_(address), dialer_(dialer) {}

void TcpProbe::on_begin(Connect, Depth) {
  dial_ = dialer_.dial(address_, probe().timeout,
                       [this](base::Result<std::unique_ptr<net::Stream>> result) { on_dialled(std::move(result)); });
}

void TcpProbe::on_dialled(base::Result<std::unique_ptr<net::Stream>> result) {
  scheduler().bury(std::exchange(dial_, nullptr));
  if (result) {
    scheduler().bury(*std::move(result));
    return finish({.detail = "connected"});
  }
  if (result.error().code == base::ErrorCode::Timeout) {
    return fail(base::ErrorCode::Timeout, "no connection within " + base::duration_text(probe().timeout));
  }
  fail(result.error().code, result.error().text);
}

}  // namespace holdfast::health
