// Server, when its configuration is read anew: checked as a whole first, then put in force as one snapshot.
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "server/server.h"
#include "server/service_manager.h"

namespace holdfast::server {

namespace {

using base::Error;
using base::ErrorCode;

std::optional<std::size_t> place_of(const conf::Listen& wanted, const std::vector<conf::Listen>& listens) {
  const auto found = std::find_if(listens.begin(), listens.end(),
                                  [&](const conf::Listen& each) { return each.address == wanted.address; });
  if (found == listens.end()) return std::nullopt;
  return static_cast<std::size_t>(found - listens.begin());
}

/// Each line of what is wrong is a line of the log.
void log_refusal(const Error& error) {
  std::string_view text = error.text;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    base::log::error("reload_failed", {{"reason", text.substr(0, end)}, {"effect", "nothing has changed"}});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

// What a signal asks for is done later if it cannot be done now: what was read before may be older than its file.
void Server::reload_by_signal() {
  if (phase_ == Phase::Starting || reloader_.is_under_way()) {
    is_reload_due_ = true;
    return;
  }
  is_reload_due_ = false;
  reload(admin::ReloadWish::Apply, [](const auto&) {});
}

/// Why there can be no reload now; empty: there can.
std::string_view Server::reload_hindrance() const {
  if (phase_ != Phase::Serving) return phase_ == Phase::Starting ? "the proxy is starting" : "it is stopping";
  if (new_process_) return "an upgrade is under way";
  return reloader_.is_under_way() ? "another reload is under way" : "";
}

void Server::reload(admin::ReloadWish wish, admin::ReloadService::Done done) {
  if (const std::string_view why = reload_hindrance(); !why.empty()) {
    const Error error{ErrorCode::Unavailable, std::string(why)};
    if (wish == admin::ReloadWish::Apply) log_refusal(error);
    return done(error);
  }
  if (wish == admin::ReloadWish::Apply) service_manager::notify_reloading();
  reloader_.begin(settings_, [this, wish, done = std::move(done)](base::Result<Candidate>& found) {
    auto report = found ? consider(std::move(*found), wish) : base::Result<admin::ReloadReport>(found.error());
    if (wish == admin::ReloadWish::Apply) {
      ++last_reload_.count;
      last_reload_.last = base::wall_now();
      last_reload_.succeeded = report.has_value();
      last_reload_.reason = report ? "" : report.error().text;
      if (!report) log_refusal(report.error());
      service_manager::notify_ready();
    }
    done(std::move(report));
    if (is_reload_due_) reload_by_signal();
  });
}

base::Result<admin::ReloadReport> Server::consider(Candidate candidate, admin::ReloadWish wish) {
  conf::Settings& fresh = candidate.settings;
  numbering_.apply(fresh);
  admin::ReloadReport report;
  report.changes = std::move(candidate.changes);
  for (const conf::Backend& backend : settings_->backends) {
    if (fresh.has(backend.id)) continue;
    report.removed.emplace_back(settings_->pool(backend.pool).name + "/" + backend.name,
                                sessions_.size_of(snapshot_->tag_of(backend.id)));
  }
  if (wish == admin::ReloadWish::Check) return report;
  if (phase_ != Phase::Serving) return Error{ErrorCode::Unavailable, "it is stopping"};
  conf::keep_for_restart(fresh, *settings_);
  auto opened = open_new_listeners(candidate);
  if (!opened) return opened.error();
  put_in_force(std::move(candidate), *opened);
  for (const conf::KeyChange& change : report.changes) {
    const bool waits = change.effect == conf::KeyChange::Effect::AfterRestart;
    base::log::info("reload_change", {{"key", change.key},
                                      {"before", change.before},
                                      {"after", change.after},
                                      {"effect", waits ? "after a restart" : "at once"}});
  }
  for (const auto& [backend, sessions] : report.removed) {
    base::log::info("reload_removed", {{"backend", backend}, {"sessions", sessions}});
  }
  base::log::info("reloaded", {{"changes", report.changes.size()}});
  report.is_applied = true;
  return report;
}

/// By number, one socket a worker. All are open before anything changes.
base::Result<Server::NewSockets> Server::open_new_listeners(const Candidate& candidate) const {
  NewSockets out;
  const auto is_ours = [this](std::uint16_t port) {
    return std::any_of(settings_->listens.begin(), settings_->listens.end(),
                       [port](const conf::Listen& each) { return each.address.port == port; });
  };
  for (std::size_t i = 0; i < candidate.settings.listens.size(); ++i) {
    if (place_of(candidate.settings.listens[i], settings_->listens)) continue;
    const bool may_be_ours = is_ours(candidate.settings.listens[i].address.port);
    auto sockets = bind(candidate.listens[i], may_be_ours ? Port::MayBeOurs : Port::MustBeFree);
    if (!sockets) return sockets.error();
    out.emplace(i, std::move(*sockets));
  }
  return out;
}

void Server::put_in_force(Candidate candidate, NewSockets& opened) {
  std::vector<std::optional<std::size_t>> listens;
  for (const conf::Listen& before : settings_->listens) {
    listens.push_back(place_of(before, candidate.settings.listens));
    if (!listens.back()) base::log::info("listener_closing", {{"address", before.address.text()}});
  }
  const auto fresh = std::make_shared<const conf::Settings>(std::move(candidate.settings));
  std::vector<net::Address> addresses(fresh->backend_ids());
  for (std::size_t i = 0; i < fresh->backends.size(); ++i) {
    addresses[conf::index(fresh->backends[i].id)] = candidate.backends[i];
  }
  std::vector<std::string> pages(fresh->pool_ids());
  for (std::size_t i = 0; i < fresh->pools.size(); ++i) {
    pages[conf::index(fresh->pools[i].id)] = std::move(candidate.pages[i]);
  }
  loads_.grow(fresh->backend_ids());
  concurrency_.configure(*fresh);
  settings_ = fresh;
  snapshot_ = std::make_shared<const proxy::Snapshot>(fresh, addresses, keyring_, std::move(pages));
  sessions_.start(*snapshot_);
  failovers_.reload(fresh);
  backend_windows_.resize(fresh->backend_ids());
  pool_windows_.resize(fresh->pool_ids());
  monitor_->reload(fresh, addresses);
  control_->reload(fresh);
  silence_->reload(fresh);
  quarantine_.reload(fresh);
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    Worker::Reload change{.snapshot = snapshot_, .view = monitor_->view(), .listens = listens, .opened = {}};
    for (auto& [number, sockets] : opened) change.opened.emplace_back(number, std::move(sockets[worker]));
    workers_[worker]->reload(std::move(change));
  }
}

base::Result<std::vector<net::BoundSocket>> Server::bind(net::Address address, Port port) const {
  if (port == Port::MustBeFree && net::Listener::is_taken(address)) {
    return Error{ErrorCode::Io, "cannot listen on " + address.text() + ": address already in use"};
  }
  std::vector<net::BoundSocket> sockets;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto bound = net::BoundSocket::open(address);
    if (!bound) return bound.error();
    address = bound->address();  // where the system picked a port, the other workers share it
    sockets.push_back(std::move(*bound));
  }
  base::log::info("listening", {{"address", address.text()}});
  return sockets;
}

}  // namespace holdfast::server
