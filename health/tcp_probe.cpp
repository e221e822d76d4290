#include "health/tcp_probe.h"

#include <utility>

namespace holdfast::health {

void TcpProbe::on_connected(std::unique_ptr<net::Stream> stream) {
  scheduler().bury(std::move(stream));
  finish({.detail = "connected"});
}

}  // namespace holdfast::health
