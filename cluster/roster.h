#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cluster/observation.h"
#include "health/probe_plan.h"

namespace holdfast::cluster {

/// The proxies alive, in the order of their ids, with the last word of each.
///
/// Who is alive is Redis' judgement (leases by its clock): the list comes whole with each heartbeat. What is broadcast
/// in between is added here. A list that is too old is no list: then everybody is alone. Pure.
class Roster {
 public:
  struct MembershipChange {
    std::vector<std::string> joined;  ///< Ids.
    std::vector<std::string> left;
    bool is_none() const { return joined.empty() && left.empty(); }
  };

  explicit Roster(std::string_view own_id) : own_id_(own_id) {}

  /// `live` is what Redis said, ourselves perhaps included; words that were broadcast later than they were written here
  /// stay.
  MembershipChange update(std::vector<ProxyReport> live, base::Instant now);
  /// False for a proxy that is not on the list (yet), and for what is no news.
  bool apply_update(const Broadcast& broadcast);
  /// It said goodbye.
  bool remove(std::string_view id);
  /// Nothing is known any more.
  void forget();

  bool is_fresh(base::Instant now) const { return updated_ && now - *updated_ <= kFreshMax; }
  /// Everybody but us.
  const std::vector<ProxyReport>& others() const { return others_; }
  /// Others of the same name as `name`.
  std::size_t duplicate_names(std::string_view name) const;
  /// Our part of the steady probes: proxies that are cut off have none, and cut off we do as if alone.
  health::Share share(Standing own, base::Instant epoch) const;

  static constexpr base::Duration kFreshMax = std::chrono::seconds{3};

 private:
  std::string own_id_;
  std::vector<ProxyReport> others_;  // by id
  std::optional<base::Instant> updated_;
};

}  // namespace holdfast::cluster
