#pragma once

#include <memory>
#include <string>

#include "base/check.h"
#include "proxy/backend_h1.h"
#include "proxy/client_side.h"
#include "proxy/context.h"
#include "proxy/exchange_state.h"
#include "proxy/owned_head.h"
#include "proxy/upload.h"

namespace holdfast::proxy {

/// One request under way: the record that its exchange and its dispatch work on. It holds what a retry needs.
struct Request {
  struct Flags {
    bool may_upgrade = false;
    bool is_secure = false;  ///< The client came by TLS, as far as we know.
    bool is_pinned = false;  ///< The connection carries NTLM or Negotiate: it stays with this client.
  };
  struct Times {
    base::Instant started{};
    base::Instant kept_alive{};  ///< The session, last.
    base::Instant moved{};       ///< When something last did.
  };

  explicit Request(Context& c) : context(c), upload(c) {}

  /// A new request, of which `first` came together with `received`.
  void begin(ClientSide& from, const http::RequestHead& received, const RequestPiece& first) {
    client = &from;
    // The workers share its count of owners: a request that finds its exchange with it does not touch that.
    if (snapshot != context.snapshot) snapshot = context.snapshot;
    state = State::Choosing;
    method = received.method;
    flags = {.may_upgrade = received.wants_upgrade};
    head.clear();
    origin.clear();
    upload.start(received, first);
    times = {.started = context.now(), .kept_alive = context.now()};
  }
  void enter(Event event) {
    const auto to = next(state, event);
    base::check(to.has_value(), "the exchange's graph has this transition");
    state = *to;
  }
  /// The client's request and the backend's response move on this connection.
  bool is_conversing() const { return state == State::Awaiting || state == State::Holding || state == State::Relaying; }
  const Snapshot& known() const { return newer ? *newer : *snapshot; }
  /// Before a choice that comes later than the first one: where a reload has left the pool there, its backends as they
  /// are now.
  void look_anew() {
    if (context.snapshot == snapshot || !context.settings().has(route->pool)) return;
    newer = context.snapshot;
    pool = &newer->settings->pool(route->pool);
  }
  const conf::Timeouts& timeouts() const { return snapshot->settings->timeouts; }
  base::Duration response_timeout() const {
    return route->response_timeout.value_or(pool->response_timeout.value_or(timeouts().response));
  }
  /// The backend is where it was when it was chosen: its connections are worth keeping.
  bool is_current(conf::BackendId backend) const {
    if (&known() == context.snapshot.get()) return true;
    const std::size_t at = conf::index(backend);
    return context.settings().has(backend) && known().addresses[at] == context.snapshot->addresses[at];
  }
  /// For the wire.
  BackendH1::Request wire() const {
    const conf::Limits& limits = snapshot->settings->limits;
    return {.method = method,
            .framing = upload.is_chunked() ? H1Pieces::Framing::Chunked : H1Pieces::Framing::Plain,
            .limits = {.bytes_max = limits.response_head_bytes, .fields_max = limits.headers}};
  }
  PoolCounters& counters() { return context.counters.pool[conf::index(route->pool)]; }
  bool is_forwarded() const { return route != nullptr && route->action == conf::RouteAction::Forward; }
  /// Something has moved; the next has to within `by`.
  void extend_deadline(base::Duration by) {
    times.moved = context.now();
    deadline->set(times.moved + by);
  }

  Context& context;
  ClientSide* client = nullptr;
  std::shared_ptr<const Snapshot> snapshot;  ///< Pinned: a reload never changes a request under way.
  std::shared_ptr<const Snapshot> newer;     ///< But a request that has to go elsewhere chooses by what is now.
  const conf::Route* route = nullptr;
  const conf::Pool* pool = nullptr;  ///< Of a route that forwards; as in known().
  State state = State::Done;
  http::Method method = http::Method::Other;
  Flags flags;
  OwnedHead head;
  std::string origin;  ///< The client's address, when a trusted peer named another than its own.
  Upload upload;
  Times times;
  std::unique_ptr<base::Timer> deadline;  ///< Its exchange's.
};

}  // namespace holdfast::proxy
