#include "cluster/consensus.h"

#include <utility>

#include "base/log.h"
#include "cluster/backend_names.h"

namespace holdfast::cluster {

Consensus::Consensus(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler,
                     health::Monitor& monitor, std::string_view own_id, std::function<void()> on_standing)
    : settings_(std::move(settings)),
      scheduler_(scheduler),
      monitor_(monitor),
      on_standing_(std::move(on_standing)),
      roster_(own_id),
      tallies_(settings_->backend_ids()),
      second_look_(scheduler_.timer([this] { judge_all(); })) {}

void Consensus::reload(std::shared_ptr<const conf::Settings> settings) {
  settings_ = std::move(settings);
  tallies_.resize(settings_->backend_ids());
}

Roster::MembershipChange Consensus::update(std::vector<ProxyReport> live, base::Instant epoch) {
  epoch_ = epoch;
  return roster_.update(std::move(live), scheduler_.now());
}

bool Consensus::remove(std::string_view id) { return roster_.remove(id); }

void Consensus::decide() {
  set_share();
  judge_all();
}

void Consensus::decide(const std::vector<conf::BackendId>& backends) {
  if (!roster_.is_fresh(scheduler_.now())) return;
  for (const conf::BackendId backend : backends) judge(backend);
  decide_isolation();
}

void Consensus::forget_others() {
  roster_.forget();
  if (isolation_.is_pending()) isolation_.forget();
}

void Consensus::go_alone() {
  roster_.forget();
  isolation_.forget();
  release_monitor();
}

void Consensus::stop() {
  second_look_->cancel();
  release_monitor();
}

void Consensus::release_monitor() {
  monitor_.set_isolation(health::Isolation::None);
  monitor_.set_share({});
  for (const conf::Backend& backend : settings_->backends) monitor_.set_quorum(backend.id, health::Quorum::None);
}

void Consensus::judge(conf::BackendId backend) {
  const Observation own = observe(monitor_.own_observation(backend));
  Tally& tally = tallies_[conf::index(backend)];
  const Standing standing = isolation_.standing();
  tally = tally_of(BackendNames::name_in(*settings_, backend), &own, standing, roster_.others(), scheduler_.now(),
                   fresh_max(settings_->pool_of(backend).probe, roster_.others().size() + 1));
  monitor_.set_quorum(backend, agree(tally, standing), words_of(tally));
}

void Consensus::judge_all() {
  if (!roster_.is_fresh(scheduler_.now())) return;
  for (const conf::Backend& backend : settings_->backends) judge(backend.id);
  decide_isolation();
}

void Consensus::decide_isolation() {
  const base::Instant now = scheduler_.now();
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
  on_standing_();
}

void Consensus::set_share() { monitor_.set_share(roster_.share(isolation_.standing(), epoch_)); }

}  // namespace holdfast::cluster
