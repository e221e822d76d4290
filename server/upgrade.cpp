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
  if (new_process_) return refuse("another upgrade is under way");
  if (reloader_.is_under_way()) return refuse("a reload is under way");
  ++upgrades_;
  new_process_ = std::make_unique<NewProcess>(loop_, static_cast<NewProcess::Owner&>(*this));
  const auto sockets = std::make_shared<std::vector<NewProcess::Socket>>();
  if (admin_listener_) {
    sockets->push_back({{PassedSocket::Use::Admin, settings_->admin.address.text()}, admin_listener_->duplicate()});
  }
  const auto missing = std::make_shared<std::size_t>(workers_.size());
  for (const auto& worker : workers_) {
    worker->duplicate_sockets([this, sockets, missing, upgrade = upgrades_](std::vector<Worker::PassedSocket> passed) {
      const auto mine = std::make_shared<std::vector<Worker::PassedSocket>>(std::move(passed));
      loop_.post([this, sockets, missing, upgrade, mine] {
        if (!new_process_ || upgrade != upgrades_) return;
        for (Worker::PassedSocket& socket : *mine) {
          const std::string address = settings_->listens[socket.listen].address.text();
          sockets->push_back({{PassedSocket::Use::Clients, address}, std::move(socket.descriptor)});
        }
        if (--*missing == 0) start_new_process(std::move(*sockets));
      });
    });
  }
}

void Server::start_new_process(std::vector<NewProcess::Socket> sockets) {
  const bool is_short =
      std::any_of(sockets.begin(), sockets.end(), [](const auto& socket) { return !socket.descriptor.is_open(); });
  if (is_short) return on_new_process_failed("no descriptors are left");
  const auto started = new_process_->start(words_, sessions_.memory().start(), std::move(sockets));
  if (!started) return on_new_process_failed(started.error().text);
  base::log::info("upgrade_started", {{"pid", new_process_->pid()}});
}

void Server::on_new_process_ready(const std::vector<std::string>& unclaimed) {
  unclaimed_ = unclaimed;
  if (sessions_.is_shared()) return step_aside();
  is_map_suspended_ = true;
  sessions_.take_orders(sessions::MemoryRegistry::Orders::Refused);
  on_all_workers(&Worker::suspend, in_this_upgrade([this] { new_process_->give_sessions(sessions_.memory()); }));
}

void Server::on_sessions_taken() { step_aside(); }

void Server::step_aside() {
  is_stepping_aside_ = true;
  on_all_workers(&Worker::step_aside, in_this_upgrade([this] { hand_over(); }));
}

// From here on there is no way back: the new process may have accepted somebody.
void Server::hand_over() {
  service_manager::notify_main_process(new_process_->pid());
  new_process_->begin();
  for (const auto& [number, asked] : asked_) new_process_->ask(number, asked.change);
  phase_ = Phase::Leaving;
  base::log::info("upgraded", {{"pid", new_process_->pid()},
                               {"sessions", new_process_->sessions_given()},
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
    if (new_process_ && upgrade == upgrades_) then();
  };
}

// Of a worker, or of a process that we have replaced ourselves.
void Server::on_change(std::size_t from, std::uint64_t number, const sessions::SessionChange& change) {
  if (!is_map_suspended_) {
    // A worker that asked just before the new process was lost has decided by itself meanwhile.
    if (from == kOldProcess) old_process_->notify(number, sessions_.decide(change));
    return;
  }
  asked_.emplace(++last_asked_, Asked{from, number, change});
  if (new_process_->has_begun()) new_process_->ask(last_asked_, change);
}

void Server::on_told(std::uint64_t number, const sessions::BindResult& holds) {
  const auto asked = asked_.extract(number);
  if (asked.empty()) return;
  if (asked.mapped().from != kOldProcess) {
    workers_[asked.mapped().from]->on_told(asked.mapped().number, holds);
  } else if (old_process_) {
    old_process_->notify(asked.mapped().number, holds);
  }
}

void Server::on_new_process_failed(const std::string& reason) {
  base::log::error("upgrade_failed", {{"reason", reason}, {"effect", "this process goes on"}});
  undo_upgrade();
}

void Server::undo_upgrade() {
  if (is_map_suspended_ || is_stepping_aside_) {
    for (const auto& worker : workers_) worker->step_back();
  }
  decide_alone();
}

void Server::on_new_process_gone() {
  base::log::error("successor_lost", {{"pid", new_process_->pid()}, {"effect", "nobody accepts new connections"}});
  for (const auto& worker : workers_) worker->decide_alone();
  decide_alone();
}

void Server::decide_alone() {
  loop_.bury(std::move(new_process_));
  is_map_suspended_ = is_stepping_aside_ = false;
  sessions_.take_orders(sessions::MemoryRegistry::Orders::Taken);
  for (const auto& [number, asked] : std::exchange(asked_, {})) {
    if (asked.from == kOldProcess && old_process_) {
      old_process_->notify(asked.number, sessions_.decide(asked.change));
    }
  }
}

// ---- the new process

base::Result<std::vector<net::BoundSocket>> Server::take_over_or_bind(std::size_t listen, const net::Address& address) {
  std::vector<net::BoundSocket> sockets;
  if (old_process_) {
    sockets = old_process_->take(PassedSocket::Use::Clients, settings_->listens[listen].address.text());
  }
  const bool may_be_ours = old_process_ && old_process_->has_port(address.port());
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

base::Result<net::BoundSocket> Server::take_over_or_bind_admin() {
  if (old_process_) {
    auto passed = old_process_->take(PassedSocket::Use::Admin, settings_->admin.address.text());
    if (!passed.empty()) return std::move(passed.front());
  }
  const auto address = net::resolve(settings_->admin.address);
  if (!address) return address.error();
  const bool may_be_ours = old_process_ && old_process_->has_port(address->port());
  if (!may_be_ours && net::Listener::is_taken(*address)) {
    return base::Error{base::ErrorCode::Io, "cannot listen on " + address->text() + " (admin): address already in use"};
  }
  return net::BoundSocket::open(*address);
}

void Server::on_sessions_received(const std::vector<sessions::SessionRecord>& sessions) {
  sessions_.import_sessions(sessions);
  base::log::info("sessions_inherited", {{"sessions", sessions.size()}});
  old_process_->notify_taken();
}

void Server::on_begin() {
  may_begin_ = true;
  if (phase_ != Phase::Starting) return;
  control_->load();   // what operators have said since we started
  control_->start();  // two of one name would be told apart, and complained about
  if (is_probed_) open();
}

void Server::on_asked(std::uint64_t number, const sessions::SessionChange& change) {
  on_change(kOldProcess, number, change);
}

void Server::on_old_process_gone() {
  base::log::info("predecessor_gone");
  // It is on the stack.
  loop_.post([this] { old_process_.reset(); });
}

}  // namespace holdfast::server
