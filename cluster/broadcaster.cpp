#include "cluster/broadcaster.h"

#include <string>
#include <utility>

namespace holdfast::cluster {

namespace {

using health::ProbeState;

/// Does what another proxy has just seen differ from what we see?
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

Broadcaster::Broadcaster(Parts parts)
    : parts_(std::move(parts)),
      last_broadcasts_(parts_.settings->backend_ids()),
      flush_(parts_.scheduler.timer([this] { on_flush(); })) {}

void Broadcaster::reload(std::shared_ptr<const conf::Settings> settings) {
  parts_.settings = std::move(settings);
  last_broadcasts_.resize(parts_.settings->backend_ids());
  std::erase_if(news_, [this](conf::BackendId backend) { return !parts_.settings->has(backend); });
}

void Broadcaster::on_observation(conf::BackendId backend) {
  news_.insert(backend);
  flush_->set(parts_.scheduler.now());
}

void Broadcaster::on_flush() {
  const std::set<conf::BackendId> changed = std::exchange(news_, {});
  std::set<conf::BackendId> later;
  for (const conf::BackendId backend : changed) {
    if (!publish(backend)) later.insert(backend);
  }
  parts_.consensus.decide({changed.begin(), changed.end()});
  news_.merge(later);
  if (!news_.empty()) flush_->set(parts_.scheduler.now() + kGap);
}

/// False: too soon after the last one, and not important enough.
bool Broadcaster::publish(conf::BackendId backend) {
  const base::Instant now = parts_.scheduler.now();
  if (!parts_.heartbeat.is_together() || parts_.consensus.roster().others().empty()) return true;
  Observation seen = observe(parts_.monitor.own_observation(backend));
  LastBroadcast& last = last_broadcasts_[conf::index(backend)];
  if (seen.probe == last.probe && now - last.at < kGap) return false;
  last = {.at = now, .probe = seen.probe};
  seen.number = parts_.heartbeat.next_number();
  const Broadcast broadcast{
      .proxy = parts_.heartbeat.id(), .backend = BackendNames::name_in(*parts_.settings, backend), .seen = seen};
  const std::string text = std::string(kBroadcastMessage) + " " + text_of(broadcast, now);
  parts_.redis.send({"PUBLISH", parts_.keys.channel, text});
  if (seen.is_out_of_reach()) look_around();
  return true;
}

/// One backend is in trouble, or we are: a look at all of them tells which.
void Broadcaster::look_around() {
  const base::Instant now = parts_.scheduler.now();
  if (parts_.settings->backends.size() > kLookAroundMax) return;
  if (looked_around_ && now - *looked_around_ < kLookAroundGap) return;
  looked_around_ = now;
  for (const conf::Backend& backend : parts_.settings->backends) parts_.monitor.look_now(backend.id);
}

void Broadcaster::on_message(std::string_view text) {
  const auto broadcast = parse_broadcast(text, parts_.scheduler.now());
  if (!broadcast || broadcast->proxy == parts_.heartbeat.id()) return;
  parts_.consensus.apply_update(*broadcast);
  const auto backend = parts_.names.find(broadcast->backend);
  if (!backend) return;
  const health::OwnObservation own = parts_.monitor.own_observation(*backend);
  if (is_news(own.probe, broadcast->seen)) parts_.monitor.look_now(*backend);
  parts_.consensus.decide({*backend});
}

}  // namespace holdfast::cluster
