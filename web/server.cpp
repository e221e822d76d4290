#include "web/server.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::web {

Server::Server(base::Scheduler& scheduler, Router router, HostRule host_rule, ConnectionLimits limits)
    : scheduler_(scheduler), router_(std::move(router)), host_rule_(std::move(host_rule)), limits_(limits) {}

Server::~Server() = default;

void Server::accept(std::unique_ptr<net::Stream> stream) {
  if (!make_room()) return;
  connections_.push_back(
      std::make_unique<Connection>(static_cast<Connection::Owner&>(*this), scheduler_, std::move(stream), limits_));
  connections_.back()->start();
}

void Server::leave() {
  for (std::size_t i = connections_.size(); i-- > 0;)
    connections_[i]->leave();  // backwards: one that ends is replaced by the last
}

/// The longest idle one goes; where none is idle, the one that has taken longest over its request.
bool Server::make_room() {
  if (connections_.size() < limits_.connections_max) return true;
  Connection* first = nullptr;
  for (const auto& connection : connections_) {
    if (!connection->is_reading()) continue;
    const bool is_better =
        first == nullptr || (connection->is_idle() && !first->is_idle()) ||
        (connection->is_idle() == first->is_idle() && connection->idle_since() < first->idle_since());
    if (is_better) first = connection.get();
  }
  if (first == nullptr) return false;
  first->close();
  return true;
}

void Server::on_request(Connection& connection, const Request& request) {
  if (!host_rule_.accepts(request.host)) {
    return connection.respond(
        text_response(421, "this listener is for its own machine: use localhost or 127.0.0.1 as the host"));
  }
  const std::uint64_t number = ++last_request_;
  asking_.emplace(number, &connection);
  router_.handle(request, [this, number](const Response& response) {
    const auto found = asking_.find(number);
    if (found == asking_.end()) return;  // the client has left meanwhile
    Connection& requester = *found->second;
    asking_.erase(found);
    requester.respond(response);
  });
}

void Server::on_done(Connection& connection) {
  const auto it = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& owned) { return owned.get() == &connection; });
  base::check(it != connections_.end(), "a connection is done once");
  std::erase_if(asking_, [&](const auto& entry) { return entry.second == &connection; });
  std::swap(*it, connections_.back());
  scheduler_.bury(std::move(connections_.back()));
  connections_.pop_back();
}

}  // namespace holdfast::web
