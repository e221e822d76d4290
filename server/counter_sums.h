#pragma once

#include "admin/latency_window.h"
#include "admin/view.h"
#include "base/histogram.h"
#include "conf/settings.h"
#include "server/workers.h"

/// What the workers have counted, summed up for the admin listener. Any thread may ask; no state.
namespace holdfast::server {

admin::ClientsView clients_view(const Workers& workers);
/// `window` gives the quantiles of the last minute.
void add_counts(admin::PoolView& view, const Workers& workers, conf::PoolId pool, const admin::LatencyWindow& window);
void add_counts(admin::BackendView& view, const Workers& workers, conf::BackendId backend,
                const admin::LatencyWindow& window);

/// From giving it a request to the first byte of its response.
base::Histogram::Counts first_byte_counts(const Workers& workers, conf::BackendId backend);
/// From a request's head to the end of its response.
base::Histogram::Counts total_counts(const Workers& workers, conf::PoolId pool);

}  // namespace holdfast::server
