#pragma once

#include <string>

#include "admin/view.h"

namespace holdfast::admin {

/// The body of GET /api/v1/cluster: the proxies, and who sees what. Never throws.
std::string cluster_json(const ClusterView& view);
/// The body of GET /cluster/leader, for an app that wants one proxy to act.
std::string leader_json(const ClusterView& view);

}  // namespace holdfast::admin
