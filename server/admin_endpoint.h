#pragma once

#include <memory>

#include "admin/access.h"
#include "admin/history.h"
#include "admin/live.h"
#include "admin/timeline.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "server/operators.h"
#include "server/password_check.h"
#include "server/reload.h"
#include "server/status_collector.h"
#include "web/server.h"

namespace holdfast::server {

/// The admin listener, and all that only it needs. Owned by Server, on the control loop; what it is given outlives it.
class AdminEndpoint {
 public:
  struct Parts {
    net::Loop& loop;
    const conf::Admin& admin;  ///< Needed by the constructor only.
    StatusCollector::Parts status;
    Operators::Parts operators;
    Reload& reload;
    const admin::Timeline& timeline;
  };
  /// `tls`: nullptr for plain HTTP.
  AdminEndpoint(const Parts& parts, net::BoundSocket socket, std::shared_ptr<const net::TlsContext> tls);
  ~AdminEndpoint();

  /// Until resume() another process is asked.
  void pause() { listener_->pause(); }
  void resume() { listener_->resume(); }
  /// Another process answers from now on.
  void leave();
  /// A duplicate of the listening socket, for another process.
  net::Descriptor duplicate_socket() const { return listener_->duplicate(); }

  /// The timeline has grown, or a state has changed.
  void nudge() { live_.nudge(); }
  /// Once a second.
  void on_tick();
  /// RunningConfig has changed.
  void reload() { status_.reload(); }

 private:
  web::Router router(const Parts& parts);

  net::Loop& loop_;
  StatusCollector status_;
  Operators operators_;
  admin::History history_;
  base::Instant history_due_{};
  admin::Live live_;
  PasswordCheck passwords_;
  admin::Access access_;
  web::Server server_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace holdfast::server
