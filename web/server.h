#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "web/connection.h"
#include "web/host_rule.h"
#include "web/router.h"

namespace holdfast::web {

/// The admin listener's HTTP/1.1 server: status, metrics, health of the proxy itself.
///
/// Takes connected streams from whoever listens; owns its connections. Lives on the control loop's thread; must not be
/// destroyed from inside a handler. Serves few clients, and none of them can make it hold more than ConnectionLimits
/// say.
class Server final : private Connection::Owner {
 public:
  /// `scheduler` outlives it.
  Server(base::Scheduler& scheduler, Router router, HostRule host_rule, ConnectionLimits limits = {});
  ~Server() override;

  /// At the limit of connections the longest idle one is closed for the new one, or else the slowest to ask.
  void accept(std::unique_ptr<net::Stream> stream);
  /// Another process responds from now on: each connection ends, at once or after the response it waits for.
  void leave();
  std::size_t connection_count() const { return connections_.size(); }

 private:
  void on_request(Connection& connection, const Request& request) override;
  void on_done(Connection& connection) override;
  bool make_room();

  base::Scheduler& scheduler_;
  const Router router_;
  const HostRule host_rule_;
  const ConnectionLimits limits_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::uint64_t, Connection*> asking_;  // by number of the request
  std::uint64_t last_request_ = 0;
};

}  // namespace holdfast::web
