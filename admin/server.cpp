#include "admin/server.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::admin {

Server::Server(base::Scheduler& scheduler, Router router, HostRule host_rule, Limits limits)
    : scheduler_(scheduler), router_(std::move(router)), host_rule_(std::move(host_rule)), limits_(limits) {}

Server::~Server() = default;

void Server::accept(std::unique_ptr<net::Stream> stream) {
  if (!make_room()) return;
  connections_.push_back(
      std::make_unique<Connection>(static_cast<Connection::Owner&>(*this), scheduler_, std::move(stream), limits_));
  connections_.back()->start();
}

bool Server::make_room() {
  if (connections_.size() < limits_.connections_max) return true;
  Connection* longest_idle = nullptr;
  for (const auto& connection : connections_) {
    if (!connection->is_idle()) continue;
    if (longest_idle == nullptr || connection->idle_since() < longest_idle->idle_since()) {
      longest_idle = connection.get();
    }
  }
  if (longest_idle == nullptr) return false;
  longest_idle->close();
  return true;
}

Answer Server::answer(const Request& request) {
  if (!host_rule_.accepts(request.host)) {
    return text_answer(421, "this listener is for its own machine: use localhost or 127.0.0.1 as the host");
  }
  return router_.answer(request);
}

void Server::on_done(Connection& connection) {
  const auto it = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& owned) { return owned.get() == &connection; });
  base::check(it != connections_.end(), "a connection is done once");
  std::swap(*it, connections_.back());
  scheduler_.bury(std::move(connections_.back()));
  connections_.pop_back();
}

}  // namespace holdfast::admin
