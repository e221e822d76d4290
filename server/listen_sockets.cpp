#include "server/listen_sockets.h"

#include <utility>

#include "base/log.h"

namespace holdfast::server {

namespace {

using base::Error;
using base::ErrorCode;
using upgrade::PassedSocket;

bool is_port_of(const OldProcess* old_process, const net::Address& address) {
  return old_process != nullptr && old_process->has_port(address.port());
}

}  // namespace

base::Result<std::vector<net::BoundSocket>> bind_sockets(net::Address address, std::size_t count, Port port) {
  if (port == Port::MustBeFree && net::Listener::is_taken(address)) {
    return Error{ErrorCode::Io, "cannot listen on " + address.text() + ": address already in use"};
  }
  std::vector<net::BoundSocket> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    auto bound = net::BoundSocket::open(address);
    if (!bound) return bound.error();
    address = bound->address();  // where the system picked a port, the other workers share it
    sockets.push_back(std::move(*bound));
  }
  base::log::info("listening", {{"address", address.text()}});
  return sockets;
}

base::Result<std::vector<net::BoundSocket>> take_over_or_bind(OldProcess* old_process, const conf::Listen& listen,
                                                              const net::Address& address, std::size_t count) {
  std::vector<net::BoundSocket> sockets;
  if (old_process != nullptr) sockets = old_process->take(PassedSocket::Use::Clients, listen.address.text());
  if (sockets.empty()) {
    return bind_sockets(address, count, is_port_of(old_process, address) ? Port::MayBeOurs : Port::MustBeFree);
  }
  // Each of them has a queue of its own in the kernel, so none may be left alone; a worker may have several.
  const net::Address real = sockets.front().address();
  while (sockets.size() < count) {
    auto another = net::BoundSocket::open(real, net::BoundSocket::From::Later);
    if (!another) return another.error();
    sockets.push_back(std::move(*another));
  }
  base::log::info("listening", {{"address", real.text()}, {"inherited", "yes"}});
  return sockets;
}

base::Result<net::BoundSocket> take_over_or_bind_admin(OldProcess* old_process, const conf::Admin& admin) {
  if (old_process != nullptr) {
    auto passed = old_process->take(PassedSocket::Use::Admin, admin.address.text());
    if (!passed.empty()) return std::move(passed.front());
  }
  const auto address = net::resolve(admin.address);
  if (!address) return address.error();
  if (!is_port_of(old_process, *address) && net::Listener::is_taken(*address)) {
    return Error{ErrorCode::Io, "cannot listen on " + address->text() + " (admin): address already in use"};
  }
  return net::BoundSocket::open(*address);
}

}  // namespace holdfast::server
