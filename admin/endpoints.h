#pragma once

#include "admin/operator_api.h"
#include "admin/router.h"
#include "admin/session_api.h"
#include "admin/view.h"

namespace holdfast::admin {

/// All that the admin listener serves: /, /livez, /readyz, /metrics, /api/v1/status, /api/v1/cluster, /cluster/leader,
/// and what operators may ask for. All outlive the router.
Router make_router(const Source& source, OperatorDesk& operators, SessionDesk& sessions);

}  // namespace holdfast::admin
