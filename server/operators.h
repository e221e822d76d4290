#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/operator_api.h"
#include "admin/roll_api.h"
#include "admin/session_api.h"
#include "cluster/roll_leases.h"
#include "server/backend_control.h"
#include "server/running_config.h"
#include "server/session_control.h"
#include "server/workers.h"
#include "sessions/keyring.h"

namespace holdfast::server {

/// Does what operators ask for by way of the admin listener: orders for backends, moves of sessions, rolls. Owned by
/// AdminEndpoint, on the control loop; what it is given outlives it.
class Operators final : public admin::OperatorService, public admin::SessionService, public admin::RollService {
 public:
  struct Parts {
    const RunningConfig& config;
    const sessions::Keyring& keyring;
    SessionControl& sessions;
    Workers& workers;
    BackendControl& backends;
  };
  explicit Operators(const Parts& parts) : parts_(parts) {}

  // admin::OperatorService
  void obey(const admin::OperatorAsk& ask, admin::OperatorService::Done done) override;

  // admin::SessionService
  sessions::Registry& registry() override { return parts_.sessions.registry(); }
  sessions::MoveLog& moves() override { return parts_.workers.moves(); }
  void count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) override;
  sessions::BackendTag tag_of(std::string_view pool, std::string_view backend) const override {
    return parts_.keyring.backend_tag(pool, backend);
  }

  // admin::RollService
  void take_roll(const admin::RollAsk& ask, admin::RollService::Done done) override;
  void end_roll(const std::string& pool, const std::string& id) override {
    parts_.backends.cluster().rolls().release(pool, id);
  }
  base::Duration roll_lease() const override { return cluster::RollLeases::kLease; }

 private:
  const Parts parts_;
};

}  // namespace holdfast::server
