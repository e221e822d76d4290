#include "server/backend_control.h"

#include <utility>

namespace holdfast::server {

BackendControl::BackendControl(const Parts& parts, const std::vector<net::Address>& addresses)
    : parts_(parts),
      monitor_(parts.config.settings, addresses, parts.scheduler, parts.dialer, base::Random(parts.random.next()),
               static_cast<health::Monitor::Listener&>(*this)),
      cluster_(ClusterControl::Parts{parts.config.settings, parts.scheduler, parts.hub, monitor_, parts.random,
                                     [&loads = parts.workers.loads()](conf::BackendId id) {
                                       return loads[conf::index(id)].in_flight.load(std::memory_order_relaxed);
                                     }}),
      drains_(Drains::Parts{monitor_, parts.sessions, cluster_, parts.workers.loads(), ordered_moves_,
                            parts.drains_since.wall, parts.drains_since.at}),
      quarantine_(parts.config.settings, parts.scheduler, static_cast<QuarantineControl::Owner&>(*this)),
      silence_(parts.config.settings, parts.scheduler, parts.workers, monitor_),
      failovers_(parts.config.settings),
      limits_(parts.config, parts.sessions, parts.workers) {}

void BackendControl::start(Acting acting) {
  cluster_.load();
  monitor_.start();
  drains_.on_tick(*parts_.config.snapshot);
  if (acting == Acting::ThisProcess) cluster_.start();
  if (parts_.hub != nullptr) quarantine_.share(*parts_.hub);
}

void BackendControl::begin() {
  cluster_.load();   // what operators have said since we started
  cluster_.start();  // not earlier: the old process has the same name
}

void BackendControl::on_tick(Acting acting) {
  if (acting == Acting::NewProcess) {
    cluster_.load();  // the new process receives the orders, and writes them down
  } else {
    cluster_.on_tick();
    if (acting == Acting::ThisProcess) drains_.on_tick(*parts_.config.snapshot);
  }
  quarantine_.on_tick();
  watch_failovers();
  limits_.on_tick(parts_.scheduler.now());
}

void BackendControl::reload(const std::vector<net::Address>& addresses) {
  const auto& settings = parts_.config.settings;
  failovers_.reload(settings);
  monitor_.reload(settings, addresses);
  cluster_.reload(settings);
  silence_.reload(settings);
  quarantine_.reload(settings);
}

void BackendControl::on_view(std::shared_ptr<const health::View> view) {
  forget_failures(*view);
  view_ = view;
  parts_.owner.on_view(std::move(view));
}

/// A backend with a new verdict starts with a clean slate: one that comes back and still fails is ejected again after
/// as many failures as the first time.
void BackendControl::forget_failures(const health::View& view) {
  for (std::size_t i = 0; i < view.backends.size(); ++i) {
    const bool is_known = view_ && i < view_->backends.size();
    if (is_known && view_->backends[i].state == view.backends[i].state) continue;
    parts_.workers.loads()[i].failures_in_a_row.store(0, std::memory_order_relaxed);
  }
}

void BackendControl::on_event(const health::Event& event) {
  failovers_.on_event(event, parts_.scheduler.now(), base::wall_now());
}

bool BackendControl::is_ordered(conf::BackendId backend) const {
  return monitor_.report(backend).order.state != health::OperatorState::Ready;
}

void BackendControl::on_quarantine(std::shared_ptr<const proxy::QuarantineView> view) {
  parts_.workers.each(&Worker::set_quarantine, view);
}

bool BackendControl::is_well(conf::BackendId backend) const {
  const health::Verdict& verdict = view_->of(backend);
  return !verdict.suspect && verdict.state != health::State::Down;
}

void BackendControl::watch_failovers() {
  failovers_.on_tick(
      parts_.scheduler.now(), [this](conf::BackendId id) { return is_well(id); },
      [this](conf::BackendId id) { return numbers_of(id); });
}

FailoverWatch::Numbers BackendControl::numbers_of(conf::BackendId id) {
  FailoverWatch::Numbers numbers;
  parts_.workers.visit_counters(id, [&numbers](const proxy::BackendCounters& counters) {
    numbers.moved += counters.moved_away.get();
    for (const base::Counter& failures : counters.failures) numbers.failed += failures.get();
    numbers.failed -= counters.retried_away.get();
  });
  proxy::BackendLoad& load = parts_.workers.loads()[conf::index(id)];
  const auto instant = [](const std::atomic<std::int64_t>& ns) {
    return base::Instant{base::Duration{ns.load(std::memory_order_relaxed)}};
  };
  numbers.rescued = load.rescued.load(std::memory_order_relaxed);
  numbers.failing_since = instant(load.failing_since_ns);
  numbers.last_rescue = instant(load.rescue_last_ns);
  numbers.longest_wait = base::Duration{load.rescue_longest_ns.load(std::memory_order_relaxed)};
  if (is_well(id)) load.rescue_longest_ns.store(0, std::memory_order_relaxed);  // the next failover starts from zero
  return numbers;
}

}  // namespace holdfast::server
