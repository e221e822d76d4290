#include "server/cluster_control.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace holdfast::server {

namespace {

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

bool is_member(const conf::Settings& settings) { return settings.redis.is_present && settings.cluster.is_present; }

std::vector<admin::ObservationView> observations_view(const cluster::Observations& sees, base::Instant now) {
  std::vector<admin::ObservationView> out;
  for (const auto& [backend, seen] : sees) {
    admin::ObservationView view;
    view.backend = backend;
    view.word = name_of(seen.probe);
    view.suspect = seen.is_suspect;
    view.passed_in_a_row = seen.passed_in_a_row;
    view.failed_in_a_row = seen.failed_in_a_row;
    view.reason = seen.reason;
    if (seen.probed) view.age = now - *seen.probed;
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace

ClusterControl::ClusterControl(const Parts& parts)
    : settings_(parts.settings),
      scheduler_(parts.scheduler),
      monitor_(parts.monitor),
      backends_(*settings_),
      hub_(parts.hub),
      orders_(settings_->server.state_dir, parts.scheduler, is_member(*settings_) ? &hub_->redis() : nullptr,
              settings_->redis.prefix, *this),
      rolls_(parts.scheduler, is_member(*settings_) ? &hub_->redis() : nullptr, settings_->redis.prefix) {
  if (!is_member(*settings_)) return;
  const std::string instance = fmt::format("{:08x}", parts.random.next() >> 32);
  member_ = std::make_unique<cluster::Member>(
      cluster::Member::Parts{settings_, parts.scheduler, hub_->redis(), monitor_, orders_, parts.requests},
      proxy_name(), instance);
  hub_->watch([this](const redis::RedisState&) { member_->on_link_changed(); });
  hub_->subscribe({member_->channel()}, *member_);
}

ClusterControl::~ClusterControl() = default;

void ClusterControl::reload(std::shared_ptr<const conf::Settings> settings) {
  settings_ = std::move(settings);
  backends_.reload(*settings_);
  orders_.repeat();  // one that is new, or back, may have been drained
  if (member_) member_->reload(settings_);
}

void ClusterControl::start() {
  if (member_) member_->start();
}

void ClusterControl::leave() {
  if (member_) member_->leave();
}

void ClusterControl::on_tick() {
  if (!member_) orders_.on_tick(base::wall_now());  // else it is the member's heartbeat that asks
}

void ClusterControl::on_observation(conf::BackendId backend) {
  if (member_) member_->on_observation(backend);
}

base::Result<void> ClusterControl::obey(const admin::OperatorAsk& ask) {
  return orders_.set(ask.pool + "/" + ask.backend, ask.state, ask.by, ask.deadline);
}

void ClusterControl::on_order(std::string_view backend, const health::OperatorOrder& order) {
  Told& told = told_[std::string(backend)];
  if (std::exchange(told.state, order.state) != order.state) told.at = scheduler_.now();
  if (const auto id = backends_.find(backend)) monitor_.set_operator_state(*id, order);
}

std::optional<std::uint64_t> ClusterControl::requests_elsewhere(std::string_view backend) const {
  if (!member_) return 0;
  const auto told = told_.find(backend);
  // The order and its number come by different ways: two heartbeats later both are there.
  if (told != told_.end() && scheduler_.now() - told->second.at < 2 * cluster::Heartbeat::kInterval)
    return std::nullopt;
  return member_->requests_elsewhere(backend);
}

std::string ClusterControl::proxy_name() const {
  return settings_->cluster.node.empty() ? host_name() : settings_->cluster.node;
}

std::string ClusterControl::cut_off() const { return member_ ? member_->isolation().reason() : std::string{}; }

admin::RedisView ClusterControl::redis_view() const {
  admin::RedisView view;
  if (hub_ == nullptr) return view;
  const redis::Redis& link = hub_->redis();
  const redis::RedisState& state = link.state();
  const bool is_ok = state.word == redis::RedisState::Word::Ok;
  view.state = is_ok ? "ok" : "degraded";
  if (!is_ok) view.reason = state.reason.empty() ? std::string(name_of(state.word)) : state.reason;
  if (is_ok && link.latency() > base::Duration{}) view.latency = link.latency();
  const redis::RedisCounts& counts = link.counts();
  view.commands_total = counts.commands;
  view.failed_total = counts.timeouts + counts.lost + counts.errors;
  view.connects_total = counts.connects;
  return view;
}

admin::ClusterView ClusterControl::view(Observations observations) const {
  admin::ClusterView view;
  view.node = proxy_name();
  if (!member_) return view;
  const bool shown = observations == Observations::Shown;
  const base::Instant now = scheduler_.now();
  view.state = member_->is_together() ? "ok" : "alone";
  view.reason = member_->is_together() ? member_->duplicate_name_warning() : member_->alone_because();
  view.cut_off = member_->isolation().reason();
  view.leader = member_->leader().substr(0, member_->leader().rfind('#'));
  view.is_leader = member_->is_leader();
  view.fencing_number = member_->fence();
  view.missing = member_->missing().names();
  const auto add = [&](const cluster::ProxyReport& proxy, const cluster::Observations& sees, bool is_self) {
    admin::ProxyView out;
    out.name = proxy.name;
    out.instance = proxy.instance;
    out.is_self = is_self;
    out.is_leader = proxy.id() == member_->leader();
    out.cut_off = proxy.standing == cluster::Standing::CutOff;
    if (shown) out.sees = observations_view(sees, now);
    view.proxies.push_back(std::move(out));
  };
  add(member_->own_word(), shown ? member_->observations() : cluster::Observations{}, true);
  for (const cluster::ProxyReport& proxy : member_->roster().others()) add(proxy, proxy.sees, false);
  std::sort(view.proxies.begin(), view.proxies.end(), [](const admin::ProxyView& a, const admin::ProxyView& b) {
    return std::tie(a.name, a.instance) < std::tie(b.name, b.instance);
  });
  return view;
}

}  // namespace holdfast::server
