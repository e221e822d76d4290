#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cluster/roster.h"

namespace holdfast::cluster {

/// The proxies that went without a goodbye, by name, for people to be told: each until one of its name is there
/// again, or until a day has passed. Pure; owned by Member. What happened while Redis was away it does not know.
class Missing {
 public:
  static constexpr base::Duration kKept = std::chrono::hours{24};
  static constexpr std::size_t kNamesMax = 32;  ///< Beyond, the one that went first is forgotten.

  explicit Missing(std::string_view own_name) : own_name_(own_name) {}

  /// After an update of the roster: who has left by it, and who is there.
  void note(const Roster::MembershipChange& change, const std::vector<ProxyReport>& others, base::Instant now);
  /// It said goodbye after all: the list that it was missing from was read before this arrived.
  void on_goodbye(std::string_view id);
  /// In the order in which they went.
  std::vector<std::string> names() const;

 private:
  struct MissingProxy {
    std::string name;
    std::string id;
    base::Instant left{};
  };
  std::string own_name_;
  std::vector<MissingProxy> proxies_;
};

}  // namespace holdfast::cluster
