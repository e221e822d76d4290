#pragma once

#include "admin/access.h"
#include "admin/history.h"
#include "admin/live.h"
#include "admin/operator_api.h"
#include "admin/quarantine_api.h"
#include "admin/reload_api.h"
#include "admin/roll_api.h"
#include "admin/session_api.h"
#include "admin/timeline.h"
#include "admin/view.h"
#include "web/router.h"

namespace holdfast::admin {

/// What the endpoints show, and the services they call. All outlive the router.
struct Services {
  Access& access;
  const StatusSource& source;
  OperatorService& operators;
  SessionService& sessions;
  RollService& rolls;
  ReloadService& reloads;
  QuarantineService& quarantine;
  Live& live;
  const Timeline& timeline;
  const History& history;
};

/// All that the admin listener serves: the page, /livez, /readyz, /metrics, /api/v1/..., /cluster/leader, and what
/// operators may ask for.
web::Router make_router(const Services& services);

}  // namespace holdfast::admin
