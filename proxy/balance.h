#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "conf/settings.h"
#include "health/view.h"
#include "proxy/load.h"
#include "proxy/rotation.h"

namespace holdfast::proxy {

/// What a choice depends on besides settings and verdicts. Borrowed for the call.
struct Ask {
  base::Instant now{};
  std::uint64_t hash = 0;                      ///< Of the session or client, for `hash`. Any number will do.
  std::span<const conf::BackendId> exclude{};  ///< Just tried: never chosen.
  bool for_session = false;                    ///< It will be bound to whom is chosen.
  const Loads& loads;                          ///< By BackendId.
};

/// Chooses a backend for a session that is new or has to move, or for each request where nothing is sticky.
///
/// One per pool and worker, on its worker's thread. Pure but for the loads, which it reads; chance comes from the seed.
/// choose() allocates nothing and is cheap with a thousand backends.
///
/// Who is asked, in this order; the next group only when nobody is left in those before it:
///   1. state UP, no backup      2. the same, but suspect      3. UP, a backup      4. UP, a backup, suspect
///   5. SICK, no backup          6. SICK, a backup: a pool that is sick as a whole beats a maintenance page
/// A weight of 0 means never, whatever else is down. Within a group a backend that has its max_requests in flight,
/// or its max_sessions, is passed over while another has room; when none has, one is chosen all the same: the
/// request queues, and a session that begins is refused there. `failover` passes over neither the suspect nor the full:
/// it is active-passive, and a second active backend would be the harm.
///
/// After an outage a backend's weight grows from a tenth to all of it over the pool's slow_start (not for `hash`, whose
/// answers have to stay, nor for `failover`).
class Balancer {
 public:
  Balancer(conf::PoolId pool, std::uint64_t seed) : pool_(pool), random_(seed) {}

  /// Takes over what settings and verdicts say now. Costs O(backends of the pool), and next to nothing where nothing
  /// has changed for this pool.
  void update(const conf::Settings& settings, const health::View& view);

  /// By the pool's method; nullopt when no backend may serve.
  ///
  /// round_robin: weighted turns, each worker starting somewhere else. least_requests: the lowest (in flight + 1) /
  /// weight, ties by chance; by weight while all are idle; with more than 32 backends the best of 16 looked at by
  /// chance. random_two: of two drawn by weight the one with less in flight for its weight (Mitzenmacher 2001).
  /// failover: the first in the file's order. hash: see choose_by_hash().
  std::optional<conf::BackendId> choose(const Ask& ask);

  /// What every proxy chooses for this `ask.hash` without asking the others: weighted rendezvous (Thaler, Ravishankar
  /// 1998; weights as Schindelhauer, Schomaker 2005) over pool and backend names; in a failover pool the first. A
  /// backend that goes moves its own share only, one that comes takes its share from all.
  std::optional<conf::BackendId> choose_by_hash(const Ask& ask);

 private:
  struct Candidate {
    conf::BackendId id{};
    std::uint32_t weight = 0;
    std::uint32_t max_requests = 0;
    std::uint8_t group = 0;
    bool is_ramping = false;  // slow start may still be under way
    base::Instant up_since{};
    std::uint64_t name_hash = 0;
    bool operator==(const Candidate&) const = default;
  };
  struct Hashed {
    std::uint64_t name_hash = 0;
    std::uint32_t weight = 0;
    std::uint32_t at = 0;
  };
  struct Group {
    std::vector<Candidate> candidates;  // in the file's order
    std::vector<std::uint64_t> up_to;   // sums of weights, the candidate's own included
    std::vector<Hashed> by_weight;      // for rendezvous
    Rotation rotation;
  };
  enum class Room : std::uint8_t { ForBoth, ForRequest, NotNeeded };
  using Index = std::optional<std::uint32_t>;
  using Pick = Index (Balancer::*)(Group&, const Ask&, Room);
  class Least;

  std::optional<conf::BackendId> choose_with(Pick pick, const Ask& ask);
  void rebuild();
  static bool may_go(const Candidate& candidate, const Ask& ask, Room room);
  double weight_of(const Candidate& candidate, base::Instant now) const;
  Index by_turns(Group& group, const Ask& ask, Room room);
  Index least_requests(Group& group, const Ask& ask, Room room);
  Index random_two(Group& group, const Ask& ask, Room room);
  Index rendezvous(Group& group, const Ask& ask, Room room);
  Index drawn_by_weight(const Group& group, const Ask& ask, Room room);

  conf::PoolId pool_;
  base::Random random_;
  conf::BalanceMethod method_ = conf::BalanceMethod::LeastRequests;
  base::Duration slow_start_{};
  std::vector<Candidate> candidates_;  // as of the last update
  std::vector<Candidate> incoming_;    // its scratch
  std::array<Group, 6> groups_;
};

/// Where a request could go whose backend has no room in time: to the one with the least in flight for its weight and a
/// free slot. Nobody in a failover pool, where one backend alone is to be active. `tried` and `from` are left out.
std::optional<conf::BackendId> with_most_room(const conf::Settings& settings, const conf::Pool& pool,
                                              const health::View& view, const Loads& loads, conf::BackendId from,
                                              std::span<const conf::BackendId> tried);

}  // namespace holdfast::proxy
