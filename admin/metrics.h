#pragma once

#include <string>
#include <string_view>

#include "admin/process.h"
#include "admin/view.h"

namespace holdfast::admin {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// The body of GET /metrics, in Prometheus' text format 0.0.4. Labels are pool, backend, code class and fixed words:
/// nothing a client can choose, so the number of series is bounded by the configuration.
std::string metrics_text(const StatusView& view, const ProcessFacts& process);

}  // namespace holdfast::admin
