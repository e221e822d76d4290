#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "admin/view.h"
#include "sessions/move_log.h"
#include "sessions/registry.h"
#include "web/router.h"

namespace holdfast::admin {

/// Where the sessions are. Called on the control loop's thread; outlives the router.
class SessionService {
 public:
  SessionService() = default;
  SessionService(const SessionService&) = delete;
  SessionService& operator=(const SessionService&) = delete;
  virtual ~SessionService() = default;
  virtual sessions::Registry& registry() = 0;
  virtual sessions::MoveLog& moves() = 0;
  /// So many sessions have been moved away from a backend; one that is not configured any more is passed over.
  virtual void count_moved(sessions::BackendTag from, std::string_view reason, std::uint64_t sessions) = 0;
  /// Of a configured backend.
  virtual sessions::BackendTag tag_of(std::string_view pool, std::string_view backend) const = 0;
};

/// GET /api/v1/sessions?pool=&backend=POOL/BACKEND&limit=       ids are keyed hashes
/// GET /api/v1/sessions?id=                                     the one of that id, or none
/// POST /api/v1/sessions/{id}/move  {"to":"POOL/BACKEND"}
/// POST /api/v1/sessions/{id}/end
/// POST /api/v1/pools/{pool}/sessions/end                       all of a pool
/// POST /api/v1/pools/{pool}/backends/{backend}/sessions/end    all of a backend
/// POST /api/v1/pools/{pool}/backends/{backend}/sessions/move   ... to the pool's other backends that are UP
///
/// The next request anywhere obeys. Access (access.h) says who may.
void add_session_routes(web::Router& router, const StatusSource& source, SessionService& service);

}  // namespace holdfast::admin
