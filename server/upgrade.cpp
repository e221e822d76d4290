// Server, when a new process takes over from an old one: as the old one, and as the new one (docs/upgrade.md).
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/server.h"
#include "server/service_manager.h"

namespace holdfast::server {

using upgrade::PassedSocket;

// ---- the old process

void Server::upgrade() {
  const auto refuse = [](std::string_view reason) {
    base::log::error("upgrade_failed", {{"reason", reason}, {"effect", "nothing has changed"}});
  };
  if (phase_ != Phase::Serving) return refuse(phase_ == Phase::Starting ? "the proxy is starting" : "it is stopping");
  if (successor_) return refuse("another upgrade is under way");
  if (reloader_.is_under_way()) return refuse("a reload is under way");
  ++upgrades_;
  successor_ = std::make_unique<Successor>(loop_, static_cast<Successor::Owner&>(*this));
  const auto sockets = std::make_shared<std::vector<Successor::Socket>>();
  if (admin_listener_) {
    sockets->push_back({{PassedSocket::Use::Admin, settings_->admin.address.text()}, admin_listener_->duplicate()});
  }
  const auto missing = std::make_shared<std::size_t>(workers_.size());
  for (const auto& worker : workers_) {
    worker->duplicate_sockets([this, sockets, missing, upgrade = upgrades_](std::vector<Worker::PassedSocket> passed) {
      const auto mine = std::make_shared<std::vector<Worker::PassedSocket>>(std::move(passed));
      loop_.post([this, sockets, missing, upgrade, mine] {
        if (!successor_ || upgrade != upgrades_) return;
        for (Worker::PassedSocket& socket : *mine) {
          const std::string address = settings_->listens[socket.listen].address.text();
          sockets->push_back({{PassedSocket::Use::Clients, address}, std::move(socket.descriptor)});
        }
        if (--*missing == 0) start_successor(std::move(*sockets));
      });
    });
  }
}

void Server::start_successor(std::vector<Successor::Socket> sockets) {
  const bool is_short =
      std::any_of(sockets.begin(), sockets.end(), [](const auto& socket) { return !socket.descriptor.is_open(); });
  if (is_short) return on_successor_failed("no descriptors are left");
  const auto started = successor_->start(words_, sessions_.memory().start(), std::move(sockets));
  if (!started) return on_successor_failed(started.error().text);
  base::log::info("upgrade_started", {{"pid", successor_->pid()}});
}

void Server::on_successor_ready(const std::vector<std::string>& unclaimed) {
  unclaimed_ = unclaimed;
  if (sessions_.is_shared()) return step_aside();
  is_map_suspended_ = true;
  sessions_.take_orders(sessions::MemoryRegistry::Orders::Refused);
  on_all_workers(&Worker::suspend, in_this_upgrade([this] { successor_->give_sessions(sessions_.memory()); }));
}

void Server::on_sessions_taken() { step_aside(); }

void Server::step_aside() {
  is_stepping_aside_ = true;
  on_all_workers(&Worker::step_aside, in_this_upgrade([this] { hand_over(); }));
}

// From here on there is no way back: the successor may have accepted somebody.
void Server::hand_over() {
  service_manager::say_main_process(successor_->pid());
  successor_->begin();
  for (const auto& [number, asked] : asked_) successor_->ask(number, asked.change);
  phase_ = Phase::Leaving;
  base::log::info("upgraded", {{"pid", successor_->pid()},
                               {"sessions", successor_->sessions_given()},
                               {"deadline_ms", base::count_ms(settings_->server.upgrade_deadline)}});
  loop_watch_.reset();
  control_->leave();
  admin_listener_.reset();
  if (admin_) admin_->leave();
  std::vector<std::size_t> unclaimed;
  for (std::size_t i = 0; i < settings_->listens.size(); ++i) {
    const std::string address = settings_->listens[i].address.text();
    if (std::find(unclaimed_.begin(), unclaimed_.end(), address) != unclaimed_.end()) unclaimed.push_back(i);
  }
  deadline_->set(loop_.now() + settings_->server.upgrade_deadline);
  for (const auto& worker : workers_) worker->leave(unclaimed);
}

std::function<void()> Server::in_this_upgrade(std::function<void()> then) {
  return [this, upgrade = upgrades_, then = std::move(then)] {
    if (successor_ && upgrade == upgrades_) then();
  };
}

// Of a worker, or of a process that we have replaced ourselves.
void Server::on_change(std::size_t from, std::uint64_t number, const sessions::Change& change) {
  if (!is_map_suspended_) {
    // A worker that asked just before the successor was lost has decided by itself meanwhile.
    if (from == kPredecessor) predecessor_->tell(number, sessions_.decide(change));
    return;
  }
  asked_.emplace(++last_asked_, Asked{from, number, change});
  if (successor_->has_begun()) successor_->ask(last_asked_, change);
}

void Server::on_told(std::uint64_t number, const sessions::Held& holds) {
  const auto asked = asked_.extract(number);
  if (asked.empty()) return;
  if (asked.mapped().from != kPredecessor) {
    workers_[asked.mapped().from]->on_told(asked.mapped().number, holds);
  } else if (predecessor_) {
    predecessor_->tell(asked.mapped().number, holds);
  }
}

void Server::on_successor_failed(const std::string& reason) {
  base::log::error("upgrade_failed", {{"reason", reason}, {"effect", "this process goes on"}});
  undo_upgrade();
}

void Server::undo_upgrade() {
  if (is_map_suspended_ || is_stepping_aside_) {
    for (const auto& worker : workers_) worker->step_back();
  }
  decide_alone();
}

void Server::on_successor_gone() {
  base::log::error("successor_lost", {{"pid", successor_->pid()}, {"effect", "nobody accepts new connections"}});
  for (const auto& worker : workers_) worker->decide_alone();
  decide_alone();
}

void Server::decide_alone() {
  loop_.bury(std::move(successor_));
  is_map_suspended_ = is_stepping_aside_ = false;
  sessions_.take_orders(sessions::MemoryRegistry::Orders::Taken);
  for (const auto& [number, asked] : std::exchange(asked_, {})) {
    if (asked.from == kPredecessor && predecessor_) {
      predecessor_->tell(asked.number, sessions_.decide(asked.change));
    }
  }
}

// ---- the new process

base::Result<std::vector<net::BoundSocket>> Server::inherit_or_bind(std::size_t listen, const net::Address& address) {
  std::vector<net::BoundSocket> sockets;
  if (predecessor_) {
    sockets = predecessor_->take(PassedSocket::Use::Clients, settings_->listens[listen].address.text());
  }
  const bool may_be_ours = predecessor_ && predecessor_->has_port(address.port());
  if (sockets.empty()) return bind(address, may_be_ours ? Port::MayBeOurs : Port::MustBeFree);
  // Each of them has a queue of its own in the kernel, so none may be left alone; a worker may have several.
  const net::Address real = sockets.front().address();
  while (sockets.size() < workers_.size()) {
    auto another = net::BoundSocket::open(real, net::BoundSocket::From::Later);
    if (!another) return another.error();
    sockets.push_back(std::move(*another));
  }
  base::log::info("listening", {{"address", real.text()}, {"inherited", "yes"}});
  return sockets;
}

base::Result<net::BoundSocket> Server::inherit_or_bind_admin() {
  if (predecessor_) {
    auto passed = predecessor_->take(PassedSocket::Use::Admin, settings_->admin.address.text());
    if (!passed.empty()) return std::move(passed.front());
  }
  const auto address = net::resolve(settings_->admin.address);
  if (!address) return address.error();
  const bool may_be_ours = predecessor_ && predecessor_->has_port(address->port());
  if (!may_be_ours && net::Listener::is_taken(*address)) {
    return base::Error{base::ErrorCode::Io, "cannot listen on " + address->text() + " (admin): address already in use"};
  }
  return net::BoundSocket::open(*address);
}

void Server::on_inheritance(const std::vector<sessions::Heirloom>& sessions) {
  sessions_.inherit(sessions);
  base::log::info("sessions_inherited", {{"sessions", sessions.size()}});
  predecessor_->say_taken();
}

void Server::on_begin() {
  may_begin_ = true;
  if (phase_ != Phase::Starting) return;
  control_->load();   // what operators have said since we started
  control_->start();  // two of one name would be told apart, and complained about
  if (is_probed_) open();
}

void Server::on_asked(std::uint64_t number, const sessions::Change& change) { on_change(kPredecessor, number, change); }

void Server::on_predecessor_gone() {
  base::log::info("predecessor_gone");
  // It is on the stack.
  loop_.post([this] { predecessor_.reset(); });
}

}  // namespace holdfast::server
