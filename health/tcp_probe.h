#pragma once

#include <memory>

#include "health/prober.h"
#include "net/stream.h"

namespace holdfast::health {

/// A backend that accepts a connection is well. The connection is closed at once: keeping it would prove nothing later.
class TcpProbe final : public Prober {
 public:
  /// `dialer` outlives it.
  TcpProbe(const conf::Probe& probe, const net::Address& address, base::Scheduler& scheduler, net::Dialer& dialer,
           Done done);

 private:
  void on_begin(Connect, Depth) override;
  // Never on the stack here; buried, the dial's own timer could still fire in this turn.
  void on_cancelled() override { dial_.reset(); }
  void on_dialled(base::Result<std::unique_ptr<net::Stream>> result);

  const net::Address address_;
  net::Dialer& dialer_;
  std::unique_ptr<net::Dial> dial_;
};

}  // namespace holdfast::health
