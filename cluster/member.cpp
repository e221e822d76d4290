#include "cluster/member.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace holdfast::cluster {

namespace {

using health::ProbeState;

// Redis' time is known to half a round trip; smaller differences are noise and move nobody's turn.
constexpr base::Duration kClockNoise = std::chrono::milliseconds{20};
// After a kill and a restart the old self's lease lives on for a while: that is no duplicate name.
constexpr unsigned kDuplicateNameHeartbeats = 5;

std::string link_words(const redis::RedisState& state) {
  return fmt::format("redis {}", state.reason.empty() ? name_of(state.word) : std::string_view(state.reason));
}

std::pair<std::string_view, std::string_view> split(std::string_view payload) {
  const std::size_t space = std::min(payload.find(' '), payload.size());
  return {payload.substr(0, space), payload.substr(std::min(space + 1, payload.size()))};
}

// Does what another proxy has just seen say otherwise than we think?
bool is_news(ProbeState own, const Observation& seen) {
  const bool has_answered = seen.passed_in_a_row > 0 || seen.sick_in_a_row > 0;
  switch (own) {
    case ProbeState::Failing:
      return has_answered || seen.probe == ProbeState::Passing || seen.probe == ProbeState::Sick;
    case ProbeState::Sick:
      return seen.passed_in_a_row > 0 || seen.failed_in_a_row > 0 || seen.is_suspect;
    case ProbeState::Starting:
    case ProbeState::Passing:
      break;
  }
  return seen.is_trouble();
}

}  // namespace

Member::Member(const Parts& parts, std::string_view name, std::string_view instance)
    : settings_(parts.settings),
      scheduler_(parts.scheduler),
      redis_(parts.redis),
      monitor_(parts.monitor),
      orders_(parts.orders),
      requests_(parts.requests),
      keys_(parts.settings->redis.prefix),
      word_{.name = std::string(name), .instance = std::string(instance), .sees = {}},
      id_(word_.id()),
      roster_(id_),
      missing_(name),
      tick_(scheduler_.timer([this] { on_tick(); })),
      flush_(scheduler_.timer([this] { on_flush(); })),
      second_look_(scheduler_.timer([this] { judge_all(); })) {
  learn_backends();
}

void Member::learn_backends() {
  tallies_.resize(settings_->backend_ids());
  last_broadcasts_.resize(settings_->backend_ids());
  by_name_.clear();
  for (const conf::Backend& backend : settings_->backends) by_name_.emplace(backend_name(backend.id), backend.id);
}

void Member::reload(std::shared_ptr<const conf::Settings> settings) {
  settings_ = std::move(settings);
  learn_backends();
  std::erase_if(news_, [this](conf::BackendId backend) { return !settings_->has(backend); });
  heartbeat_now();  // the others are to know what we see of the new ones
}

void Member::start() {
  is_started_ = true;
  heartbeat_now();
}

void Member::leave() {
  if (!is_started_) return;
  is_started_ = false;
  for (base::Timer* timer : {tick_.get(), flush_.get(), second_look_.get()}) timer->cancel();
  heartbeat_.reset();
  lease_.lose();
  // While we are cut off, requests already here use our own probe results.
  monitor_.set_isolation(health::Isolation::None);
  monitor_.set_share({});
  for (const conf::Backend& backend : settings_->backends) monitor_.set_quorum(backend.id, health::Quorum::None);
  redis_.send(goodbye_script(), {keys_.proxies, keys_.leader},
              {id_, keys_.channel, std::string(kGoodbyeMessage) + " " + id_});
}

std::string Member::backend_name(conf::BackendId backend) const {
  return settings_->pool_of(backend).name + "/" + settings_->backend(backend).name;
}

Observations Member::observations() const {
  Observations all;
  for (const auto& [name, backend] : by_name_) {
    Observation seen = observe(monitor_.own_observation(backend));
    if (requests_) seen.requests = requests_(backend);
    all.emplace_hint(all.end(), name, std::move(seen));
  }
  return all;
}

std::optional<std::uint64_t> Member::requests_elsewhere(std::string_view backend) const {
  if (!is_together_ || !roster_.is_fresh(scheduler_.now()) || orders_.unconfirmed() > 0) return std::nullopt;
  std::uint64_t sum = 0;
  for (const ProxyReport& proxy : roster_.others()) {
    if (proxy.orders < orders_.version()) return std::nullopt;
    const auto seen = proxy.sees.find(backend);
    if (seen != proxy.sees.end()) sum += seen->second.requests;
  }
  return sum;
}

std::string Member::duplicate_name_warning() const {
  if (duplicate_name_heartbeats_ < kDuplicateNameHeartbeats) return {};
  return "another proxy is called " + word_.name + ", too: give each its own [cluster] node";
}

// ---- the heartbeat

void Member::on_tick() {
  const base::Instant now = scheduler_.now();
  tick_->set(now + kHeartbeat);
  orders_.on_tick(base::wall_now());
  if (ticks_.on_tick(now, base::wall_now()) == TickWatch::Tick::Late) {
    // What we know of the others is from before the pause, and no verdict may come from it: the next reply
    // brings fresh data.
    base::log::warn("cluster_paused");
    lease_.lose();
    roster_.forget();
    if (isolation_.is_pending()) isolation_.forget();
  }
  if (!redis_.is_up()) return fall_back(link_words(redis_.state()));
  heartbeat();
}

void Member::heartbeat_now() {
  if (is_started_) tick_->set(scheduler_.now());
}

void Member::heartbeat() {
  if (heartbeat_) return;
  const base::Instant asked = scheduler_.now();
  word_.standing = isolation_.standing();
  word_.sees = observations();
  word_.orders = std::exchange(obeyed_, orders_.version());
  word_.number = ++number_;
  const std::string text = text_of(word_, asked);
  const bool may_lead = word_.standing == Standing::InTouch;
  heartbeat_ = redis_.run(
      heartbeat_script(), {keys_.proxies, keys_.leader, keys_.orders_version},
      {id_, std::to_string(base::count_ms(kLease)), text, std::to_string(lease_.fence()), may_lead ? "lead" : "follow"},
      [this, asked](base::Result<redis::RedisReply> reply) {
        scheduler_.bury(std::move(heartbeat_));
        if (!reply) return fall_back("redis: " + reply.error().text);
        on_heartbeat_reply(asked, *reply);
      });
}

void Member::on_heartbeat_reply(base::Instant asked, const redis::RedisReply& reply) {
  const base::Instant now = scheduler_.now();
  auto heartbeat = parse_heartbeat(reply, now);
  if (!heartbeat) return fall_back("redis: not the answer expected");
  if (now - asked > kLease) return;  // we have slept: all of this is history
  const bool is_news = !std::exchange(is_together_, true);
  if (is_news) {
    alone_because_.clear();
    base::log::info("cluster_joined", {{"node", word_.name}, {"nodes", heartbeat->live.size()}});
    redis_.send({"PUBLISH", keys_.channel, std::string(kHelloMessage) + " " + id_});
  }
  take_time(asked, heartbeat->redis_now);
  take_lead(asked, *heartbeat);
  const Roster::MembershipChange change = roster_.update(std::move(heartbeat->live), now);
  missing_.note(change, roster_.others(), now);
  log_changes(change);
  watch_duplicate_names();
  set_share();
  judge_all();
  orders_.on_version(heartbeat->orders_version);
}

void Member::take_time(base::Instant asked, base::WallTime redis_now) {
  const base::Instant middle = asked + (scheduler_.now() - asked) / 2;
  const base::Instant epoch = middle - base::Duration{redis_now.time_since_epoch()};
  const base::Duration off = epoch - epoch_;
  if (off > kClockNoise || off < -kClockNoise) epoch_ = epoch;
}

void Member::take_lead(base::Instant asked, const HeartbeatReply& heartbeat) {
  if (heartbeat.leader == id_) {
    lease_.on_granted(asked, heartbeat.fence);
  } else {
    lease_.on_refused(heartbeat.fence);
  }
  if (std::exchange(leader_, heartbeat.leader) == heartbeat.leader || heartbeat.leader.empty()) return;
  base::log::info("cluster_leader", {{"node", heartbeat.leader}, {"fencing_number", heartbeat.fence}});
}

void Member::log_changes(const Roster::MembershipChange& change) {
  for (const std::string& id : change.joined) base::log::info("cluster_node_joined", {{"node", id}});
  for (const std::string& id : change.left) base::log::warn("cluster_node_left", {{"node", id}});
}

void Member::watch_duplicate_names() {
  if (roster_.duplicate_names(word_.name) == 0) {
    duplicate_name_heartbeats_ = 0;
  } else if (++duplicate_name_heartbeats_ == kDuplicateNameHeartbeats) {
    base::log::error("cluster_name_taken", {{"node", word_.name}, {"detail", duplicate_name_warning()}});
  }
}

void Member::fall_back(std::string_view because) {
  alone_because_ = because;
  leader_.clear();
  lease_.lose();
  roster_.forget();
  duplicate_name_heartbeats_ = 0;
  if (!std::exchange(is_together_, false)) return;
  base::log::warn("cluster_alone", {{"reason", because}});
  isolation_.forget();
  monitor_.set_isolation(health::Isolation::None);
  monitor_.set_share({});
  for (const conf::Backend& backend : settings_->backends) monitor_.set_quorum(backend.id, health::Quorum::None);
}

void Member::on_link_changed() {
  if (!is_started_) return;
  if (!redis_.is_up()) return fall_back(link_words(redis_.state()));
  orders_.on_reconnected();
  heartbeat_now();
}

void Member::on_subscribed() {
  orders_.on_reconnected();
  heartbeat_now();
}

// ---- between heartbeats

void Member::on_observation(conf::BackendId backend) {
  if (!is_started_) return;
  news_.insert(backend);
  flush_->set(scheduler_.now());  // in the next turn: the watch has not judged yet
}

void Member::on_flush() {
  std::set<conf::BackendId> later;
  for (const conf::BackendId backend : std::exchange(news_, {})) {
    if (!broadcast(backend)) later.insert(backend);
    if (roster_.is_fresh(scheduler_.now())) judge(backend);
  }
  decide_isolation();
  news_.merge(later);
  if (!news_.empty()) flush_->set(scheduler_.now() + kBroadcastGap);
}

// False: too soon after the last one, and not important enough.
bool Member::broadcast(conf::BackendId backend) {
  const base::Instant now = scheduler_.now();
  if (!is_together_ || roster_.others().empty()) return true;
  Observation seen = observe(monitor_.own_observation(backend));
  LastBroadcast& last = last_broadcasts_[conf::index(backend)];
  if (seen.probe == last.probe && now - last.at < kBroadcastGap) return false;
  last = {.at = now, .probe = seen.probe};
  seen.number = ++number_;
  const std::string text = text_of(Broadcast{.proxy = id_, .backend = backend_name(backend), .seen = seen}, now);
  redis_.send({"PUBLISH", keys_.channel, std::string(kBroadcastMessage) + " " + text});
  if (seen.is_out_of_reach()) look_around();
  return true;
}

// One backend is in trouble, or we are: a look at all of them tells which.
void Member::look_around() {
  const base::Instant now = scheduler_.now();
  if (settings_->backends.size() > kLookAroundMax) return;
  if (looked_around_ && now - *looked_around_ < kLookAroundGap) return;
  looked_around_ = now;
  for (const conf::Backend& backend : settings_->backends) monitor_.look_now(backend.id);
}

void Member::on_message(std::string_view, std::string_view payload) {
  if (!is_started_) return;
  const auto [what, rest] = split(payload);
  if (what == kBroadcastMessage) return on_broadcast(rest);
  if (what == kOrdersMessage) {
    if (const auto version = base::parse_decimal(rest)) orders_.on_version(*version);
  } else if (what == kHelloMessage && rest != id_) {
    heartbeat_now();
  } else if (what == kGoodbyeMessage && rest != id_) {
    // Logged also if the list of live proxies was read before this arrived: the proxy did not just disappear.
    base::log::info("cluster_node_goodbye", {{"node", rest}});
    missing_.on_goodbye(rest);
    if (!roster_.remove(rest)) return;
    if (leader_ == rest) heartbeat_now();
    set_share();
    judge_all();
  }
}

void Member::on_broadcast(std::string_view text) {
  const auto broadcast = parse_broadcast(text, scheduler_.now());
  if (!broadcast || broadcast->proxy == id_) return;
  roster_.apply_update(*broadcast);
  const auto it = by_name_.find(broadcast->backend);
  if (it == by_name_.end()) return;
  const health::OwnObservation own = monitor_.own_observation(it->second);
  if (is_news(own.probe, broadcast->seen)) monitor_.look_now(it->second);
  if (!roster_.is_fresh(scheduler_.now())) return;
  judge(it->second);
  decide_isolation();
}

// ---- what follows

void Member::judge(conf::BackendId backend) {
  const base::Instant now = scheduler_.now();
  const Observation own = observe(monitor_.own_observation(backend));
  Tally& tally = tallies_[conf::index(backend)];
  const Standing standing = isolation_.standing();
  tally = tally_of(backend_name(backend), &own, standing, roster_.others(), now,
                   fresh_max(settings_->pool_of(backend).probe, roster_.others().size() + 1));
  monitor_.set_quorum(backend, agree(tally, standing), words_of(tally));
}

void Member::judge_all() {
  if (!roster_.is_fresh(scheduler_.now())) return;
  for (const conf::Backend& backend : settings_->backends) judge(backend.id);
  decide_isolation();
}

void Member::decide_isolation() {
  const base::Instant now = scheduler_.now();
  if (!is_together_ || !roster_.is_fresh(now)) return;
  const Standing before = isolation_.standing();
  isolation_.begin();
  for (const conf::Backend& backend : settings_->backends) isolation_.add(tallies_[conf::index(backend.id)]);
  const Standing standing = isolation_.decide(now);
  if (isolation_.is_pending()) second_look_->set(now + Isolation::kHold);
  if (standing == before) return;
  const bool is_away = standing == Standing::CutOff;
  if (is_away) {
    base::log::error("cluster_cut_off", {{"reason", isolation_.reason()}});
  } else {
    base::log::info("cluster_in_touch");
  }
  monitor_.set_isolation(is_away ? health::Isolation::CutOff : health::Isolation::None);
  set_share();
  for (const conf::Backend& backend : settings_->backends) judge(backend.id);
  heartbeat_now();  // the others are to know
}

void Member::set_share() { monitor_.set_share(roster_.share(isolation_.standing(), epoch_)); }

}  // namespace holdfast::cluster
