#include "proxy/balance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace holdfast::proxy {

namespace {

constexpr std::size_t kScanMax = 32;     // candidates least_requests looks at one by one
constexpr int kSamples = 16;             // of more than that
constexpr int kDrawsMax = 16;            // before a draw by weight gives up chance for a walk
constexpr int kRedrawsMax = 4;           // of random_two, for a second that is not the first
constexpr double kSlowStartShare = 0.1;  // of the weight, at first

// FNV-1a, 64 bits, then mixed: the same on every proxy and in every version.
std::uint64_t hash_of(std::string_view pool, std::string_view backend) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  const auto add = [&hash](char c) { hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3u; };
  for (const char c : pool) add(c);
  add('\0');
  for (const char c : backend) add(c);
  return base::Random::mix(hash);
}

std::uint32_t in_flight(const Ask& ask, conf::BackendId id) {
  return ask.loads[conf::index(id)].in_flight.load(std::memory_order_relaxed);
}

constexpr std::uint8_t group_of(bool is_sick, bool is_backup, bool is_passed_over) {
  if (is_sick) return is_backup ? 5 : 4;
  return static_cast<std::uint8_t>((is_backup ? 2 : 0) + (is_passed_over ? 1 : 0));
}

}  // namespace

/// Keeps the best of the candidates it is shown: the lowest (in flight + 1) / weight, equals by chance; while all are
/// idle, one by weight: the lightest would never be chosen else where requests seldom meet.
class Balancer::Least {
 public:
  explicit Least(base::Random& random) : random_(random) {}

  void consider(std::uint32_t at, std::uint32_t load, double weight) {
    if (load != 0) all_idle_ = false;
    weights_ += weight;
    if (all_idle_ && random_.unit() * weights_ < weight) by_weight_ = at;
    const double score = (load + 1.0) / weight;
    if (score > score_) return;
    equals_ = score < score_ ? 1 : equals_ + 1;
    score_ = score;
    if (random_.below(equals_) == 0) lowest_ = at;
  }
  Index best() const { return all_idle_ ? by_weight_ : lowest_; }

 private:
  base::Random& random_;
  bool all_idle_ = true;
  double weights_ = 0;
  double score_ = std::numeric_limits<double>::infinity();
  std::uint64_t equals_ = 0;
  Index by_weight_;
  Index lowest_;
};

void Balancer::update(const conf::Settings& settings, const health::View& view) {
  const conf::Pool& pool = settings.pool(pool_);
  incoming_.clear();
  for (const conf::Backend& backend : settings.backends_of(pool)) {
    const health::Verdict& verdict = view.of(backend.id);
    const bool is_sick = verdict.state == health::State::Sick;
    if (backend.weight == 0 || (!is_sick && !health::may_take_new(verdict.state))) continue;
    const bool is_passed_over = verdict.suspect && pool.balance != conf::BalanceMethod::Failover;
    const bool is_ramping = verdict.slow_start && pool.slow_start > base::Duration::zero();
    incoming_.push_back({.id = backend.id,
                         .weight = backend.weight,
                         .max_requests = backend.max_requests,
                         .group = group_of(is_sick, backend.backup, is_passed_over),
                         .is_ramping = is_ramping,
                         .up_since = is_ramping ? verdict.up_since : base::Instant{},
                         .name_hash = hash_of(pool.name, backend.name)});
  }
  method_ = pool.balance;
  slow_start_ = pool.slow_start;
  if (incoming_ == candidates_) return;  // keeps whose turn it is
  candidates_.swap(incoming_);
  rebuild();
}

void Balancer::rebuild() {
  for (std::size_t number = 0; number < groups_.size(); ++number) {
    Group& group = groups_[number];
    group.candidates.clear();
    group.up_to.clear();
    group.by_weight.clear();
    std::uint64_t weights = 0;
    for (const Candidate& candidate : candidates_) {
      if (candidate.group != number) continue;
      group.by_weight.push_back(
          {candidate.name_hash, candidate.weight, static_cast<std::uint32_t>(group.candidates.size())});
      group.candidates.push_back(candidate);
      group.up_to.push_back(weights += candidate.weight);
    }
    std::stable_sort(group.by_weight.begin(), group.by_weight.end(),
                     [](const Hashed& a, const Hashed& b) { return a.weight < b.weight; });
    group.rotation.restart(group.candidates.size(), random_.below(group.candidates.size()),
                           [&](std::uint32_t at) { return static_cast<double>(group.candidates[at].weight); });
  }
}

std::optional<conf::BackendId> Balancer::choose(const Ask& ask) {
  switch (method_) {
    case conf::BalanceMethod::RoundRobin:
      return choose_with(&Balancer::by_turns, ask);
    case conf::BalanceMethod::LeastRequests:
      return choose_with(&Balancer::least_requests, ask);
    case conf::BalanceMethod::RandomTwo:
      return choose_with(&Balancer::random_two, ask);
    case conf::BalanceMethod::Hash:
    case conf::BalanceMethod::Failover:
      break;
  }
  return choose_by_hash(ask);
}

std::optional<conf::BackendId> Balancer::choose_by_hash(const Ask& ask) {
  if (method_ != conf::BalanceMethod::Failover) return choose_with(&Balancer::rendezvous, ask);
  for (const Group& group : groups_) {
    for (const Candidate& candidate : group.candidates) {
      if (may_go(candidate, ask, Room::NotNeeded)) return candidate.id;
    }
  }
  return std::nullopt;
}

std::optional<conf::BackendId> Balancer::choose_with(Pick pick, const Ask& ask) {
  for (Group& group : groups_) {
    if (group.candidates.empty()) continue;
    Index at = (this->*pick)(group, ask, ask.for_session ? Room::ForBoth : Room::ForRequest);
    if (!at && ask.for_session) at = (this->*pick)(group, ask, Room::ForRequest);
    if (!at) at = (this->*pick)(group, ask, Room::NotNeeded);
    if (at) return group.candidates[*at].id;
  }
  return std::nullopt;
}

bool Balancer::may_go(const Candidate& candidate, const Ask& ask, Room room) {
  if (std::find(ask.exclude.begin(), ask.exclude.end(), candidate.id) != ask.exclude.end()) return false;
  if (room == Room::NotNeeded) return true;
  if (candidate.max_requests != 0 && in_flight(ask, candidate.id) >= candidate.max_requests) return false;
  return room == Room::ForRequest ||
         !ask.loads[conf::index(candidate.id)].has_sessions_max.load(std::memory_order_relaxed);
}

double Balancer::weight_of(const Candidate& candidate, base::Instant now) const {
  if (!candidate.is_ramping) return candidate.weight;
  const double passed = std::chrono::duration<double>(now - candidate.up_since) / slow_start_;
  return candidate.weight * (kSlowStartShare + (1 - kSlowStartShare) * std::clamp(passed, 0.0, 1.0));
}

Balancer::Index Balancer::by_turns(Group& group, const Ask& ask, Room room) {
  return group.rotation.next([&](std::uint32_t at) { return may_go(group.candidates[at], ask, room); },
                             [&](std::uint32_t at) { return weight_of(group.candidates[at], ask.now); });
}

Balancer::Index Balancer::least_requests(Group& group, const Ask& ask, Room room) {
  Least least(random_);
  const auto look_at = [&](std::uint32_t at) {
    const Candidate& candidate = group.candidates[at];
    if (may_go(candidate, ask, room)) least.consider(at, in_flight(ask, candidate.id), weight_of(candidate, ask.now));
  };
  const auto count = static_cast<std::uint32_t>(group.candidates.size());
  if (count > kScanMax) {
    for (int i = 0; i < kSamples; ++i) look_at(static_cast<std::uint32_t>(random_.below(count)));
    if (least.best()) return least.best();
  }
  for (std::uint32_t at = 0; at < count; ++at) look_at(at);
  return least.best();
}

// The weight has had its say in the drawing: a tie goes to the first one drawn. Two different ones are wanted, but not
// at any price: a heavy backend may be drawn again and again.
Balancer::Index Balancer::random_two(Group& group, const Ask& ask, Room room) {
  const Index first = drawn_by_weight(group, ask, room);
  if (!first) return std::nullopt;
  Index second = first;
  for (int i = 0; i < kRedrawsMax && group.candidates.size() > 1 && second == first; ++i) {
    second = drawn_by_weight(group, ask, room);
  }
  if (!second) return first;  // another worker has just filled them up
  const auto score = [&](std::uint32_t at) {
    return in_flight(ask, group.candidates[at].id) / weight_of(group.candidates[at], ask.now);
  };
  return score(*second) < score(*first) ? second : first;
}

/// One of those that may go, with a chance as its weight. Draws, and draws again in place of one that may not; a
/// backend in slow start turns down its share of draws. When luck does not help, one walk over all does.
Balancer::Index Balancer::drawn_by_weight(const Group& group, const Ask& ask, Room room) {
  for (int i = 0; i < kDrawsMax; ++i) {
    const auto drawn = std::upper_bound(group.up_to.begin(), group.up_to.end(), random_.below(group.up_to.back()));
    const auto at = static_cast<std::uint32_t>(drawn - group.up_to.begin());
    const Candidate& candidate = group.candidates[at];
    if (!may_go(candidate, ask, room)) continue;
    if (!candidate.is_ramping || random_.unit() * candidate.weight < weight_of(candidate, ask.now)) return at;
  }
  Index chosen;
  double weights = 0;
  for (std::uint32_t at = 0; at < group.candidates.size(); ++at) {
    if (!may_go(group.candidates[at], ask, room)) continue;
    const double weight = weight_of(group.candidates[at], ask.now);
    weights += weight;
    if (random_.unit() * weights < weight) chosen = at;
  }
  return chosen;
}

// Each backend draws u in (0, 1) from its name and the hash; the lowest -ln(u) / weight wins. Among equal weights that
// is the highest u, so the logarithm is needed once for each different weight only.
Balancer::Index Balancer::rendezvous(Group& group, const Ask& ask, Room room) {
  Index chosen;
  double score = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < group.by_weight.size();) {
    const std::uint32_t weight = group.by_weight[i].weight;
    std::uint64_t highest = 0;
    Index with_highest;
    for (; i < group.by_weight.size() && group.by_weight[i].weight == weight; ++i) {
      const Hashed& each = group.by_weight[i];
      const std::uint64_t drawn = base::Random::mix(each.name_hash ^ ask.hash);
      if (with_highest && drawn <= highest) continue;
      if (!may_go(group.candidates[each.at], ask, room)) continue;
      highest = drawn;
      with_highest = each.at;
    }
    const double u = (static_cast<double>(highest >> 11) + 0.5) * 0x1.0p-53;
    if (!with_highest || -std::log(u) / weight >= score) continue;
    score = -std::log(u) / weight;
    chosen = with_highest;
  }
  return chosen;
}

std::optional<conf::BackendId> with_most_room(const conf::Settings& settings, const conf::Pool& pool,
                                              const health::View& view, const Loads& loads, conf::BackendId from,
                                              std::span<const conf::BackendId> tried) {
  if (pool.balance == conf::BalanceMethod::Failover) return std::nullopt;
  std::optional<conf::BackendId> best;
  double least = 0;
  for (const conf::Backend& other : settings.backends_of(pool)) {
    if (other.id == from || other.weight == 0 || other.backup) continue;
    if (!health::may_take_new(view.of(other.id).state)) continue;
    if (std::find(tried.begin(), tried.end(), other.id) != tried.end()) continue;
    const std::uint32_t load = loads[conf::index(other.id)].in_flight.load(std::memory_order_relaxed);
    if (other.max_requests != 0 && load >= other.max_requests) continue;
    const double share = (load + 1.0) / other.weight;
    if (best && share >= least) continue;
    best = other.id;
    least = share;
  }
  return best;
}

}  // namespace holdfast::proxy
