#include "server/upgrade.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/service_manager.h"

namespace holdfast::server {

using upgrade::PassedSocket;

Upgrade::Upgrade(const Parts& parts, std::vector<std::string> words, std::unique_ptr<OldProcess> old_process)
    : parts_(parts),
      words_(std::move(words)),
      old_process_(std::move(old_process)),
      may_begin_(old_process_ == nullptr) {}

Upgrade::~Upgrade() = default;

// ---- as the old process

void Upgrade::start(std::vector<NewProcess::Socket> sockets) {
  ++upgrades_;
  new_process_ = std::make_unique<NewProcess>(parts_.loop, static_cast<NewProcess::Owner&>(*this));
  const auto all = std::make_shared<std::vector<NewProcess::Socket>>(std::move(sockets));
  const auto missing = std::make_shared<std::size_t>(parts_.workers.size());
  const auto on_passed = [this, all, missing, upgrade = upgrades_](std::vector<Worker::PassedSocket> passed) {
    const auto mine = std::make_shared<std::vector<Worker::PassedSocket>>(std::move(passed));
    parts_.loop.post([this, all, missing, upgrade, mine] {
      if (!new_process_ || upgrade != upgrades_) return;
      add_sockets(std::move(*mine), *all);
      if (--*missing == 0) start_process(std::move(*all));
    });
  };
  parts_.workers.each(&Worker::duplicate_sockets, on_passed);
}

void Upgrade::add_sockets(std::vector<Worker::PassedSocket> passed, std::vector<NewProcess::Socket>& sockets) const {
  for (Worker::PassedSocket& socket : passed) {
    const std::string address = parts_.config.settings->listens[socket.listen].address.text();
    sockets.push_back({{PassedSocket::Use::Clients, address}, std::move(socket.descriptor)});
  }
}

void Upgrade::start_process(std::vector<NewProcess::Socket> sockets) {
  const bool is_short =
      std::any_of(sockets.begin(), sockets.end(), [](const auto& socket) { return !socket.descriptor.is_open(); });
  if (is_short) return on_new_process_failed("no descriptors are left");
  const auto started = new_process_->start(words_, parts_.sessions.memory().start(), std::move(sockets));
  if (!started) return on_new_process_failed(started.error().text);
  base::log::info("upgrade_started", {{"pid", new_process_->pid()}});
}

void Upgrade::on_new_process_ready(const std::vector<std::string>& unclaimed) {
  unclaimed_ = unclaimed;
  if (parts_.sessions.is_shared()) return step_aside();
  is_map_suspended_ = true;
  parts_.sessions.take_orders(sessions::MemoryRegistry::Orders::Refused);
  parts_.workers.on_all(&Worker::suspend,
                        in_this_upgrade([this] { new_process_->give_sessions(parts_.sessions.memory()); }));
}

void Upgrade::step_aside() {
  is_stepping_aside_ = true;
  parts_.workers.on_all(&Worker::step_aside, in_this_upgrade([this] { hand_over(); }));
}

// From here on there is no way back: the new process may have accepted somebody.
void Upgrade::hand_over() {
  service_manager::notify_main_process(new_process_->pid());
  new_process_->begin();
  for (const auto& [number, asked] : asked_) new_process_->ask(number, asked.change);
  base::log::info("upgraded", {{"pid", new_process_->pid()},
                               {"sessions", new_process_->sessions_given()},
                               {"deadline_ms", base::count_ms(parts_.config.settings->server.upgrade_deadline)}});
  parts_.owner.on_handed_over();
  parts_.workers.each(&Worker::leave, unclaimed_listens());
}

std::vector<std::size_t> Upgrade::unclaimed_listens() const {
  std::vector<std::size_t> out;
  const std::vector<conf::Listen>& listens = parts_.config.settings->listens;
  for (std::size_t i = 0; i < listens.size(); ++i) {
    if (std::find(unclaimed_.begin(), unclaimed_.end(), listens[i].address.text()) != unclaimed_.end())
      out.push_back(i);
  }
  return out;
}

std::function<void()> Upgrade::in_this_upgrade(std::function<void()> then) {
  return [this, upgrade = upgrades_, then = std::move(then)] {
    if (new_process_ && upgrade == upgrades_) then();
  };
}

void Upgrade::on_change(std::size_t worker, std::uint64_t number, const sessions::SessionChange& change) {
  if (!is_map_suspended_) {
    // A worker that asked just before the new process was lost has decided by itself meanwhile.
    if (worker == kOldProcess) old_process_->notify(number, parts_.sessions.decide(change));
    return;
  }
  asked_.emplace(++last_asked_, Asked{worker, number, change});
  if (new_process_->has_begun()) new_process_->ask(last_asked_, change);
}

void Upgrade::on_told(std::uint64_t number, const sessions::BindResult& holds) {
  const auto asked = asked_.extract(number);
  if (asked.empty()) return;
  if (asked.mapped().from != kOldProcess) {
    parts_.workers.at(asked.mapped().from).on_told(asked.mapped().number, holds);
  } else if (old_process_) {
    old_process_->notify(asked.mapped().number, holds);
  }
}

void Upgrade::on_new_process_failed(const std::string& reason) {
  base::log::error("upgrade_failed", {{"reason", reason}, {"effect", "this process goes on"}});
  undo();
}

void Upgrade::cancel() {
  if (!new_process_) return;
  new_process_->give_up();
  undo();
}

void Upgrade::undo() {
  if (is_map_suspended_ || is_stepping_aside_) parts_.workers.each(&Worker::step_back);
  decide_alone();
}

void Upgrade::on_new_process_gone() {
  base::log::error("successor_lost", {{"pid", new_process_->pid()}, {"effect", "nobody accepts new connections"}});
  parts_.workers.each(&Worker::decide_alone);
  decide_alone();
}

void Upgrade::decide_alone() {
  parts_.loop.bury(std::move(new_process_));
  is_map_suspended_ = is_stepping_aside_ = false;
  parts_.sessions.take_orders(sessions::MemoryRegistry::Orders::Taken);
  for (const auto& [number, asked] : std::exchange(asked_, {})) {
    if (asked.from == kOldProcess && old_process_) {
      old_process_->notify(asked.number, parts_.sessions.decide(asked.change));
    }
  }
}

// ---- as the new process

void Upgrade::attach() {
  if (old_process_) old_process_->attach(parts_.loop, static_cast<OldProcess::Owner&>(*this));
}

void Upgrade::notify_failed(const std::string& reason) {
  if (old_process_) old_process_->notify_failed(reason);
}

void Upgrade::notify_reopen_logs() {
  if (old_process_) old_process_->notify_reopen_logs();
}

void Upgrade::on_sessions_received(const std::vector<sessions::SessionRecord>& sessions) {
  parts_.sessions.import_sessions(sessions);
  base::log::info("sessions_inherited", {{"sessions", sessions.size()}});
  old_process_->notify_taken();
}

void Upgrade::on_begin() {
  may_begin_ = true;
  parts_.owner.on_begin();
}

void Upgrade::on_asked(std::uint64_t number, const sessions::SessionChange& change) {
  on_change(kOldProcess, number, change);
}

void Upgrade::on_old_process_gone() {
  base::log::info("predecessor_gone");
  // It is on the stack.
  parts_.loop.post([this] { old_process_.reset(); });
}

}  // namespace holdfast::server
