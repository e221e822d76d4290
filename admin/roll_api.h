#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "admin/view.h"
#include "base/result.h"
#include "base/time.h"
#include "web/router.h"

namespace holdfast::admin {

/// A roll as asked for, and as it holds.
struct RollAsk {
  std::string pool;
  std::string id;
  std::string backend;  ///< Which one is out; empty: none yet.
  std::string by;
  base::WallTime since{};
};

/// Who knows which pool is being rolled through. Called on the control loop's thread; outlives the router.
class RollService {
 public:
  RollService() = default;
  RollService(const RollService&) = delete;
  RollService& operator=(const RollService&) = delete;
  virtual ~RollService() = default;
  using Done = std::function<void(base::Result<RollAsk>)>;
  /// Takes or renews the pool; `done` gets who has it now. Errors: nobody can be asked who has it.
  virtual void take_roll(const RollAsk& ask, Done done) = 0;
  virtual void end_roll(const std::string& pool, const std::string& id) = 0;
  /// For how long a roll has the pool if it is not renewed.
  virtual base::Duration roll_lease() const = 0;
};

/// POST /api/v1/pools/{pool}/roll and .../roll/renew, body {"id":"...","backend":"app1","by":"ops"}; .../roll/end, body
/// {"id":"..."}. Rolling itself is the caller's: the pool is only kept for one at a time.
void add_roll_routes(web::Router& router, const StatusSource& source, RollService& service);

}  // namespace holdfast::admin
