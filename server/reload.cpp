#include "server/reload.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/listen_sockets.h"
#include "server/service_manager.h"

namespace holdfast::server {

namespace {

using admin::ReloadReport;
using admin::ReloadWish;
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

void log_report(const ReloadReport& report) {
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
}

}  // namespace

Reload::Reload(const Parts& parts, ReadConfig read)
    : parts_(parts), numbering_(*parts.config.settings), reloader_(parts.loop, std::move(read)) {}

void Reload::reload_by_signal() {
  if (parts_.owner.moment() == Moment::Starting || is_under_way()) {
    is_due_ = true;
    return;
  }
  is_due_ = false;
  reload(ReloadWish::Apply, [](const auto&) {});
}

void Reload::reload_if_due() {
  if (is_due_) reload_by_signal();
}

/// What keeps us from a reload now; empty: nothing.
std::string_view Reload::hindrance() const {
  switch (parts_.owner.moment()) {
    case Moment::Starting:
      return "the proxy is starting";
    case Moment::Stopping:
      return "it is stopping";
    case Moment::Upgrading:
      return "an upgrade is under way";
    case Moment::Good:
      break;
  }
  return is_under_way() ? "another reload is under way" : "";
}

void Reload::reload(ReloadWish wish, Done done) {
  if (const std::string_view why = hindrance(); !why.empty()) {
    const Error error{ErrorCode::Unavailable, std::string(why)};
    if (wish == ReloadWish::Apply) log_refusal(error);
    return done(error);
  }
  if (wish == ReloadWish::Apply) service_manager::notify_reloading();
  reloader_.begin(parts_.config.settings, [this, wish, done = std::move(done)](base::Result<Candidate>& found) {
    auto report = found ? consider(std::move(*found), wish) : base::Result<ReloadReport>(found.error());
    if (wish == ReloadWish::Apply) {
      note(report);
      service_manager::notify_ready();
    }
    done(std::move(report));
    reload_if_due();
  });
}

void Reload::note(const base::Result<ReloadReport>& report) {
  ++last_.count;
  last_.last = base::wall_now();
  last_.succeeded = report.has_value();
  last_.reason = report ? "" : report.error().text;
  if (!report) log_refusal(report.error());
}

base::Result<ReloadReport> Reload::consider(Candidate candidate, ReloadWish wish) {
  conf::Settings& fresh = candidate.settings;
  const RunningConfig& running = parts_.config;
  numbering_.apply(fresh);
  ReloadReport report;
  report.changes = std::move(candidate.changes);
  for (const conf::Backend& backend : running.settings->backends) {
    if (fresh.has(backend.id)) continue;
    report.removed.emplace_back(running.settings->pool(backend.pool).name + "/" + backend.name,
                                parts_.sessions.size_of(running.snapshot->tag_of(backend.id)));
  }
  if (wish == ReloadWish::Check) return report;
  if (parts_.owner.moment() == Moment::Stopping) return Error{ErrorCode::Unavailable, "it is stopping"};
  conf::keep_for_restart(fresh, *running.settings);
  auto opened = open_new_listeners(candidate);
  if (!opened) return opened.error();
  put_in_force(std::move(candidate), std::move(*opened));
  log_report(report);
  report.is_applied = true;
  return report;
}

/// All are open before anything changes.
base::Result<Workers::Sockets> Reload::open_new_listeners(const Candidate& candidate) const {
  Workers::Sockets out;
  const std::vector<conf::Listen>& running = parts_.config.settings->listens;
  const auto is_ours = [&running](std::uint16_t port) {
    return std::any_of(running.begin(), running.end(),
                       [port](const conf::Listen& each) { return each.address.port == port; });
  };
  for (std::size_t i = 0; i < candidate.settings.listens.size(); ++i) {
    const conf::Listen& listen = candidate.settings.listens[i];
    if (place_of(listen, running)) continue;
    auto sockets = bind_sockets(candidate.listens[i], parts_.workers.size(),
                                is_ours(listen.address.port) ? Port::MayBeOurs : Port::MustBeFree);
    if (!sockets) return sockets.error();
    out.emplace(i, std::move(*sockets));
  }
  return out;
}

void Reload::put_in_force(Candidate candidate, Workers::Sockets opened) {
  NewConfig out;
  for (const conf::Listen& before : parts_.config.settings->listens) {
    out.listens.push_back(place_of(before, candidate.settings.listens));
    if (!out.listens.back()) base::log::info("listener_closing", {{"address", before.address.text()}});
  }
  const auto fresh = std::make_shared<const conf::Settings>(std::move(candidate.settings));
  out.addresses.resize(fresh->backend_ids());
  for (std::size_t i = 0; i < fresh->backends.size(); ++i) {
    out.addresses[conf::index(fresh->backends[i].id)] = candidate.backends[i];
  }
  out.pages.resize(fresh->pool_ids());
  for (std::size_t i = 0; i < fresh->pools.size(); ++i) {
    out.pages[conf::index(fresh->pools[i].id)] = std::move(candidate.pages[i]);
  }
  out.settings = fresh;
  out.opened = std::move(opened);
  parts_.owner.on_new_config(std::move(out));
}

}  // namespace holdfast::server
