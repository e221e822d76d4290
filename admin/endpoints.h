#pragma once

#include "admin/router.h"
#include "admin/view.h"

namespace holdfast::admin {

/// All that the admin listener serves: /, /livez, /readyz, /metrics, /api/v1/status. `source` outlives the router.
Router make_router(const Source& source);

}  // namespace holdfast::admin
