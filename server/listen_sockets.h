#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "conf/settings.h"
#include "net/address.h"
#include "net/listener.h"
#include "server/old_process.h"

/// Sockets to listen on: new ones, or those of the process that an upgrade replaces (`old_process`; nullptr: none).
/// Errors: Io, with the address in question.
namespace holdfast::server {

/// MayBeOurs: listeners of ours have the port already, on another address.
enum class Port : std::uint8_t { MustBeFree, MayBeOurs };

/// `count` sockets of one address, one for each worker.
base::Result<std::vector<net::BoundSocket>> bind_sockets(net::Address address, std::size_t count, Port port);
/// At least `count`.
base::Result<std::vector<net::BoundSocket>> take_over_or_bind(OldProcess* old_process, const conf::Listen& listen,
                                                              const net::Address& address, std::size_t count);
base::Result<net::BoundSocket> take_over_or_bind_admin(OldProcess* old_process, const conf::Admin& admin);

}  // namespace holdfast::server
