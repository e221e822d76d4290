#pragma once

#include "health/prober.h"

namespace holdfast::health {

/// A backend that accepts a connection is well. The connection is closed at once: keeping it would prove nothing later.
class TcpProbe final : public Prober {
 public:
  using Prober::Prober;

 private:
  void on_begin(Connect, Depth) override { dial(); }
  void on_connected(std::unique_ptr<net::Stream> stream) override;
  void on_cancelled() override {}
};

}  // namespace holdfast::health
