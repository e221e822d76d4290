#pragma once

#include <string>

#include "admin/view.h"

namespace holdfast::admin {

/// The body of GET /api/v1/status. Never throws: bytes that are not UTF-8 are replaced.
std::string status_json(const StatusView& view);

}  // namespace holdfast::admin
