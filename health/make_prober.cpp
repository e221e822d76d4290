#include "health/make_prober.h"

#include <netinet/in.h>

#include <utility>

#include "health/http_probe.h"
#include "health/http_questions.h"
#include "health/m2ee.h"
#include "health/tcp_probe.h"

namespace holdfast::health {

namespace {

net::Address with_port(net::Address address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  } else if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  }
  return address;
}

}  // namespace

std::unique_ptr<Prober> make_prober(const ProbeTarget& target, base::Scheduler& scheduler, net::Dialer& dialer,
                                    Prober::Done done) {
  const conf::Probe& probe = target.probe;
  net::Address address = target.address;
  conf::Endpoint endpoint = target.backend.address;
  const std::uint16_t own_port = target.backend.probe_port;
  if (const std::uint16_t port = own_port != 0 ? own_port : probe.port; port != 0) {
    address = with_port(address, port);
    endpoint.port = port;
  }
  const auto over_http = [&](std::unique_ptr<Questions> questions) {
    return std::make_unique<HttpProbe>(probe, address, std::move(questions), scheduler, dialer, std::move(done));
  };
  switch (probe.type) {
    case conf::ProbeType::None:
      return nullptr;
    case conf::ProbeType::Tcp:
      return std::make_unique<TcpProbe>(probe, address, scheduler, dialer, std::move(done));
    case conf::ProbeType::Http:
      return over_http(std::make_unique<HttpQuestions>(probe, endpoint.text()));
    case conf::ProbeType::M2ee:
      return over_http(std::make_unique<M2eeQuestions>(probe, endpoint.text()));
  }
  return nullptr;
}

}  // namespace holdfast::health
