#pragma once

#include "net/loop.h"
#include "net/stream.h"

namespace holdfast::net {

/// Opens TCP connections on one loop. The loop outlives it.
class TcpDialer final : public Dialer {
 public:
  explicit TcpDialer(Loop& loop) : loop_(loop) {}
  std::unique_ptr<Dial> dial(const Address& address, base::Duration timeout,
                             std::function<void(base::Result<std::unique_ptr<Stream>>)> done) override;

 private:
  Loop& loop_;
};

}  // namespace holdfast::net
