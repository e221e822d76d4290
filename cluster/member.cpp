#include "cluster/member.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace holdfast::cluster {

namespace {

// After a kill and a restart the old self's lease lives on for a while: that is no duplicate name.
constexpr unsigned kDuplicateNameHeartbeats = 5;

std::pair<std::string_view, std::string_view> split(std::string_view payload) {
  const std::size_t space = std::min(payload.find(' '), payload.size());
  return {payload.substr(0, space), payload.substr(std::min(space + 1, payload.size()))};
}

}  // namespace

Member::Member(const Parts& parts, std::string_view name, std::string_view instance)
    : scheduler_(parts.scheduler),
      redis_(parts.redis),
      monitor_(parts.monitor),
      orders_(parts.orders),
      requests_(parts.requests),
      keys_(parts.settings->redis.prefix),
      names_(*parts.settings),
      heartbeat_(parts.scheduler, parts.redis, keys_,
                 ProxyReport{.name = std::string(name), .instance = std::string(instance), .sees = {}},
                 static_cast<Heartbeat::Owner&>(*this)),
      consensus_(parts.settings, parts.scheduler, parts.monitor, heartbeat_.id(), [this] { send_heartbeat_soon(); }),
      broadcaster_(
          {parts.settings, parts.scheduler, parts.redis, parts.monitor, keys_, names_, heartbeat_, consensus_}),
      missing_(name) {}

void Member::reload(std::shared_ptr<const conf::Settings> settings) {
  names_.reload(*settings);
  consensus_.reload(settings);
  broadcaster_.reload(std::move(settings));
  send_heartbeat_soon();  // the others are to know what we see of the new ones
}

void Member::start() {
  is_started_ = true;
  send_heartbeat_soon();
}

void Member::leave() {
  if (!std::exchange(is_started_, false)) return;
  heartbeat_.stop();
  broadcaster_.stop();
  consensus_.stop();  // while clients of ours are left, our own probes are enough
  redis_.send(goodbye_script(), {keys_.proxies, keys_.leader},
              {id(), keys_.channel, std::string(kGoodbyeMessage) + " " + id()});
}

Observations Member::observations() const {
  Observations all;
  for (const auto& [name, backend] : names_.by_name()) {
    Observation seen = observe(monitor_.own_observation(backend));
    if (requests_) seen.requests = requests_(backend);
    all.emplace_hint(all.end(), name, std::move(seen));
  }
  return all;
}

std::optional<std::uint64_t> Member::requests_elsewhere(std::string_view backend) const {
  if (!is_together() || !roster().is_fresh(scheduler_.now()) || orders_.unconfirmed() > 0) return std::nullopt;
  std::uint64_t sum = 0;
  for (const ProxyReport& proxy : roster().others()) {
    if (proxy.orders < orders_.version()) return std::nullopt;
    const auto seen = proxy.sees.find(backend);
    if (seen != proxy.sees.end()) sum += seen->second.requests;
  }
  return sum;
}

std::string Member::duplicate_name_warning() const {
  if (duplicate_name_heartbeats_ < kDuplicateNameHeartbeats) return {};
  return "another proxy is called " + own_word().name + ", too: give each its own [cluster] node";
}

// ---- the heartbeat

void Member::send_heartbeat_soon() {
  if (is_started_) heartbeat_.send_soon();
}

void Member::on_tick() { orders_.on_tick(base::wall_now()); }

void Member::on_report_due(ProxyReport& report) {
  report.standing = isolation().standing();
  report.sees = observations();
  report.orders = std::exchange(obeyed_, orders_.version());
}

void Member::on_together(std::size_t proxies) {
  base::log::info("cluster_joined", {{"node", own_word().name}, {"nodes", proxies}});
  redis_.send({"PUBLISH", keys_.channel, std::string(kHelloMessage) + " " + id()});
}

void Member::on_heartbeat(HeartbeatReply reply) {
  const Roster::MembershipChange change = consensus_.update(std::move(reply.live), heartbeat_.epoch());
  missing_.note(change, roster().others(), scheduler_.now());
  for (const std::string& id : change.joined) base::log::info("cluster_node_joined", {{"node", id}});
  for (const std::string& id : change.left) base::log::warn("cluster_node_left", {{"node", id}});
  watch_duplicate_names();
  consensus_.decide();
  orders_.on_version(reply.orders_version);
}

void Member::on_alone() {
  duplicate_name_heartbeats_ = 0;
  consensus_.go_alone();
}

void Member::watch_duplicate_names() {
  if (roster().duplicate_names(own_word().name) == 0) {
    duplicate_name_heartbeats_ = 0;
  } else if (++duplicate_name_heartbeats_ == kDuplicateNameHeartbeats) {
    base::log::error("cluster_name_taken", {{"node", own_word().name}, {"detail", duplicate_name_warning()}});
  }
}

// ---- between heartbeats

void Member::on_link_changed() {
  if (!is_started_) return;
  if (!redis_.is_up()) return heartbeat_.on_link_down();
  orders_.on_reconnected();
  send_heartbeat_soon();
}

void Member::on_subscribed() {
  orders_.on_reconnected();
  send_heartbeat_soon();
}

void Member::on_observation(conf::BackendId backend) {
  if (is_started_) broadcaster_.on_observation(backend);
}

void Member::on_message(std::string_view, std::string_view payload) {
  if (!is_started_) return;
  const auto [what, rest] = split(payload);
  if (what == kBroadcastMessage) {
    broadcaster_.on_message(rest);
  } else if (what == kOrdersMessage) {
    if (const auto version = base::parse_decimal(rest)) orders_.on_version(*version);
  } else if (what == kHelloMessage && rest != id()) {
    send_heartbeat_soon();
  } else if (what == kGoodbyeMessage && rest != id()) {
    on_goodbye(rest);
  }
}

void Member::on_goodbye(std::string_view id) {
  // Logged also where the list of those who live was read before this came: it did not just vanish.
  base::log::info("cluster_node_goodbye", {{"node", id}});
  missing_.on_goodbye(id);
  if (!consensus_.remove(id)) return;
  if (leader() == id) send_heartbeat_soon();
  consensus_.decide();
}

}  // namespace holdfast::cluster
