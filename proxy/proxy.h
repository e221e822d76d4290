#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proxy/client_connection.h"
#include "proxy/context.h"
#include "proxy/exchange_pool.h"

namespace holdfast::proxy {

/// The data path of one worker: owns its clients and all they work with. Lives on the worker's thread; what it is given
/// outlives it. It does not listen, probe or read settings: connections, views and snapshots are handed to it.
class Proxy final : private ClientOwner, private GrantHandler {
 public:
  Proxy(base::Scheduler& scheduler, net::Dialer& dialer, const Shared& shared, ProxyListener& listener,
        std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const health::View> view, std::uint64_t seed);
  ~Proxy() override;

  /// Makes a client of a connection accepted by listener number `listen`. At limits.connections an idle client makes
  /// room; where there is none, this one is turned away with a 503.
  void accept(std::unique_ptr<net::Stream> stream, std::size_t listen);
  void set_view(std::shared_ptr<const health::View> view);
  void set_quarantine(std::shared_ptr<const QuarantineView> quarantine);
  /// After a reload; `view` knows of all backends in it. Requests under way go on by the old one. `listens` says for
  /// each listener of the old settings which one it is in the new; clients of one that is gone leave, each after the
  /// request it has under way.
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const health::View> view,
                    std::span<const std::optional<std::size_t>> listens);
  const conf::Settings& settings() const { return context_.settings(); }

  /// No further request on any connection; ProxyListener::on_drained comes (perhaps at once) when the last one has
  /// gone.
  void drain();
  /// Another process serves new connections: those that are here are served on, each until its next response or until
  /// it has been idle for long enough; then on_drained as above. drain() and abort() may follow.
  void leave();
  /// Closes everything now.
  void abort();

  const Counters& counters() const { return context_.counters; }  ///< May be read from any thread.
  std::size_t idle_backend_connections() const { return context_.pool.idle_count(); }

 private:
  void on_client_closed(ClientConnection& client) override;
  ExchangePool& exchanges() override { return exchanges_; }
  void on_granted(conf::BackendId backend, TicketId ticket) override;
  ClientConnection* longest_idle();
  void turn_away(std::unique_ptr<net::Stream> stream);
  void report_if_drained();

  Context context_;
  ExchangePool exchanges_;
  std::vector<std::unique_ptr<ClientConnection>> clients_;
  bool has_reported_drained_ = false;
  std::size_t clock_hand_ = 0;  // where the search for an idle client goes on
};

}  // namespace holdfast::proxy
