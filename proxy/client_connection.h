#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/scheduler.h"

namespace holdfast::proxy {

class ExchangePool;

/// One client connection, as its owner sees it, whatever protocol the client speaks. Lives on its worker's thread.
class ClientConnection : public base::Buried {
 public:
  /// First read: the bytes are often there already.
  virtual void start() = 0;
  /// Waiting for a request, with nothing of it received: may be closed without harm.
  virtual bool is_idle() const = 0;
  virtual base::Instant idle_since() const = 0;
  virtual void close() = 0;
  /// Closes if is_idle(), after a look at what has come.
  virtual bool close_if_idle() = 0;
  /// A backend was judged down: its tunnels end, so that their clients reconnect.
  virtual void on_view() = 0;
  /// No further request after the one under way; what has come already is one under way.
  virtual void drain() = 0;
  /// The proxy drains, or the listener it came by is gone.
  virtual bool is_leaving() const = 0;
  /// A reload: the listener it came by has number `listen` now, or is gone.
  virtual void on_snapshot(std::optional<std::size_t> listen) = 0;
  virtual std::size_t listen() const = 0;

  std::uint32_t place = 0;  ///< In the owner's list; the owner's business.
};

/// Whoever owns the client connections.
class ClientOwner {
 public:
  ClientOwner() = default;
  ClientOwner(const ClientOwner&) = delete;
  ClientOwner& operator=(const ClientOwner&) = delete;
  virtual ~ClientOwner() = default;
  /// The connection is over: bury it.
  virtual void on_client_closed(ClientConnection& client) = 0;
  virtual ExchangePool& exchanges() = 0;
};

}  // namespace holdfast::proxy
