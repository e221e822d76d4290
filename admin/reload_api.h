#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "conf/reload.h"
#include "web/router.h"

namespace holdfast::admin {

/// What a reload has done, or would do.
struct ReloadReport {
  std::vector<conf::KeyChange> changes;
  /// Backends that are gone, "pool/backend", with the sessions bound to them: each moves with its next request.
  std::vector<std::pair<std::string, std::uint64_t>> removed;
  bool is_applied = false;
};

enum class ReloadWish : std::uint8_t { Check, Apply };

/// Who reloads. On the control loop's thread; outlives the router.
class ReloadService {
 public:
  using Done = std::function<void(base::Result<ReloadReport>)>;

  ReloadService() = default;
  ReloadService(const ReloadService&) = delete;
  ReloadService& operator=(const ReloadService&) = delete;
  virtual ~ReloadService() = default;
  /// Errors: Invalid, with what is wrong in the file; Unavailable, when this is not the moment; Io, when a listener
  /// cannot be opened. Nothing has changed then.
  virtual void reload(ReloadWish wish, Done done) = 0;
};

/// POST /api/v1/reload, body {"check":true} or none: reads the configuration again.
void add_reload_route(web::Router& router, ReloadService& service);

}  // namespace holdfast::admin
