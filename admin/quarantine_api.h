#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "web/router.h"

namespace holdfast::admin {

/// A request that is held to have killed its backend.
struct QuarantinedRequest {
  std::string id;
  std::string pool;
  std::string backend;  ///< The last it was lost with.
  std::string method;
  std::string path;         ///< Without the query. From a client: escape it.
  bool is_for_all = false;  ///< Refused to whoever asks; else only to who was there when the backend died.
  std::uint32_t crashes = 0;
  base::WallTime since{};
  base::Duration left{};
};

/// Where they are. Called on the control loop's thread; outlives the router.
class QuarantineService {
 public:
  QuarantineService() = default;
  QuarantineService(const QuarantineService&) = delete;
  QuarantineService& operator=(const QuarantineService&) = delete;
  virtual ~QuarantineService() = default;
  virtual std::vector<QuarantinedRequest> quarantined() const = 0;
  /// False: there is none of that id.
  virtual bool release(std::string_view id, std::string_view by) = 0;
};

/// GET /api/v1/quarantine; POST /api/v1/quarantine/{id}/release. Access (access.h) says who may.
void add_quarantine_routes(web::Router& router, QuarantineService& service);

}  // namespace holdfast::admin
